import { Chance } from './chance.ts'
import type { Asked } from './person.ts'
import { HOOK_NAMES } from './hooks-file.ts'
import type { HookChange, HookName } from './hooks-file.ts'
import type { Mood } from './receiver.ts'

export type StoreKind = 'sqlite' | 'postgres'

export interface PlanOptions {
  seed: number
  store: StoreKind
  seconds: number
  /** How often a process is killed by `kill -9`, all replicas together. */
  kills: number
  replicas: number
  /** Whether there is a disk that may be filled. */
  canFillDisk: boolean
  /** Nothing that ends a process, and replays that do not grow with the store. */
  isSoak: boolean
}

/** What is done to one replica. Each ends with the replica running again, or being started. */
export type ReplicaAction =
  | { kind: 'kill' }
  /** Killed, started, and killed again so long after its start, whatever it is doing then. */
  | { kind: 'kill-while-starting'; afterMs: number }
  | { kind: 'stop' }
  /** `SIGSTOP`, and so much later `SIGCONT`. */
  | { kind: 'pause'; forMs: number }

export type Action =
  | { atMs: number; on: 'replica'; replica: number; action: ReplicaAction }
  | { atMs: number; on: 'receiver'; hook: HookName; mood: Mood }
  | { atMs: number; on: 'hooks'; change: HookChange }
  | { atMs: number; on: 'person'; asks: Asked }
  /** Postgres is stopped in good order or as by a crash, and started again so much later. */
  | { atMs: number; on: 'database'; how: 'stop' | 'kill'; forMs: number }
  /** The disk under the embedded store is filled, and freed so much later. */
  | { atMs: number; on: 'disk'; forMs: number }

/** A replica counts as gone for the others after 15 s, and so a pause that is to outlast a lease takes longer. */
const PAST_A_LEASE_MS = 17_000
/** What was accepted so lately is replayed in a soak. */
const SOAK_REPLAY_MS = 5000
/** Two pauses of that length would fill a short run. */
const LONG_ENOUGH_S = 60

/** Everything that will be done in a run, in order. Pure: the same options give the same plan. */
export function planOf(options: PlanOptions): Action[] {
  const { seed, seconds, kills, replicas, isSoak } = options
  const chance = new Chance(seed, `plan for ${options.store}`)
  const endMs = seconds * 1000
  // Not from the first moment on: there has to be something in flight.
  const sometime = () => chance.between(Math.min(700, endMs / 10), endMs)
  const times = <T>(everyMs: number, make: () => T) =>
    Array.from({ length: Math.max(1, Math.round(endMs / everyMs)) }, make)
  const onReplica = (action: ReplicaAction): Action => ({
    atMs: sometime(),
    on: 'replica',
    replica: chance.whole(1, replicas),
    action,
  })

  const actions: Action[] = [
    ...Array.from({ length: kills }, () =>
      onReplica(
        chance.next() < 0.25
          ? { kind: 'kill-while-starting', afterMs: chance.between(0, 500) }
          : { kind: 'kill' },
      ),
    ),
    ...(isSoak ? [] : times(12_000, () => onReplica({ kind: 'stop' }))),
    ...times(20_000, () => onReplica({ kind: 'pause', forMs: pauseMs(options, chance) })),
    ...times(1500, (): Action => {
      const hook = chance.of(HOOK_NAMES)
      return { atMs: sometime(), on: 'receiver', hook, mood: moodOf(hook, chance) }
    }),
    ...times(6000, (): Action => ({ atMs: sometime(), on: 'hooks', change: changeOf(chance) })),
  ]
  actions.push(
    ...times(45_000, (): Action => ({ atMs: sometime(), on: 'person', asks: replayOf(options, chance) })),
    ...times(30_000, (): Action => ({ atMs: sometime(), on: 'person', asks: holdOf(options, chance) })),
  )
  if (options.store === 'postgres') {
    const how = () => chance.of(['stop', 'kill'] as const)
    actions.push(
      ...times(25_000, (): Action => ({
        atMs: sometime(),
        on: 'database',
        how: how(),
        forMs: chance.between(300, 4000),
      })),
    )
  }
  if (options.canFillDisk) {
    actions.push(
      ...times(20_000, (): Action => ({ atMs: sometime(), on: 'disk', forMs: chance.between(500, 4000) })),
    )
  }
  return actions.toSorted((one, other) => one.atMs - other.atMs)
}

function pauseMs({ store, seconds }: PlanOptions, chance: Chance): number {
  const isLong = store === 'postgres' && seconds >= LONG_ENOUGH_S && chance.next() < 0.5
  return isLong ? chance.between(PAST_A_LEASE_MS, PAST_A_LEASE_MS + 6000) : chance.between(200, 3000)
}

/** Of everything, of one hook or all, the ordered one more often than others. */
function replayOf({ isSoak }: PlanOptions, chance: Chance): Asked {
  const hook = chance.next() < 0.4 ? 'ordered' : chance.of([null, ...HOOK_NAMES])
  if (isSoak) return { kind: 'replay', hook, perSecond: null, ofLastMs: SOAK_REPLAY_MS }
  return {
    kind: 'replay',
    hook,
    perSecond: chance.next() < 0.5 ? null : chance.whole(20, 200),
    ofLastMs: null,
  }
}

/** In a long run so long that every replica knows it. */
function holdOf({ seconds }: PlanOptions, chance: Chance): Asked {
  const forMs = seconds >= LONG_ENOUGH_S ? chance.between(8000, 15_000) : chance.between(300, 1500)
  return { kind: 'pause', hook: chance.of(HOOK_NAMES), forMs }
}

function moodOf(hook: HookName, chance: Chance): Mood {
  // Half of the time well, so that deliveries get through in between.
  if (chance.next() < 0.5) return 'well'
  if (hook === 'strict') return chance.weighted({ failing: 2, gone: 1, slow: 2, resetting: 1 })
  return chance.weighted({ failing: 3, busy: 2, slow: 3, hanging: 2, resetting: 2, away: 2 })
}

function changeOf(chance: Chance): HookChange {
  return chance.weighted({ 'remove-or-name-again': 4, settings: 3, url: 2, mistake: 2 })
}
