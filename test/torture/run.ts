import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { newSecret } from '../support/signed-webhook.ts'
import { compare } from './compare/compare.ts'
import type { Verdict } from './compare/compare.ts'
import { STOP_BOUND_MS } from './compare/processes.ts'
import { HOOK_NAMES, HooksFile, SECRET_VARIABLE } from './hooks-file.ts'
import type { HookChange, HookName } from './hooks-file.ts'
import type { Arrival, Disturbances, Leftover, Span } from './ledgers.ts'
import { Messages } from './messages.ts'
import type { TortureOptions } from './options.ts'
import { Person } from './person.ts'
import { planOf } from './plan.ts'
import type { Action, StoreKind } from './plan.ts'
import { TortureReceiver } from './receiver.ts'
import { Replica } from './replica.ts'
import { Sender } from './sender.ts'
import { postgresStore, sqliteStore } from './stores.ts'
import type { TorturedStore } from './stores.ts'

/** Everything works again by then, so a webhook that is still not taken is a fault. */
const LONGEST_SENDING_MS = 60_000
/** On a very busy machine, what is due may take this much longer than it was given. */
const OVERDUE_PATIENCE_MS = 45_000
/** More than a run leaves. */
const MANY = 1_000_000
const REPLICAS: Record<StoreKind, number> = { sqlite: 1, postgres: 2 }

/** Tortures relays on one store by the seed's plan, lets everything come to rest, and compares the ledgers. */
export async function run(
  kind: StoreKind,
  options: TortureOptions,
  say: (line: string) => void,
): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'seam-relay-torture-'))
  const storeFolder = mkdtempSync(join(tmpdir(), 'seam-relay-torture-store-'))
  const store = kind === 'sqlite' ? sqliteStore(storeFolder, options.seconds) : await postgresStore()
  const remove = () => {
    for (const one of [folder, storeFolder]) rmSync(one, { recursive: true, force: true })
  }
  process.once('exit', remove)
  const torture = new Torture(kind, options, store, folder, say)
  try {
    return await torture.run()
  } finally {
    await torture.end()
    await store.remove()
    remove()
  }
}

class Torture {
  readonly #kind: StoreKind
  readonly #options: TortureOptions
  readonly #store: TorturedStore
  readonly #folder: string
  readonly #say: (line: string) => void
  readonly #secret = newSecret()
  readonly #hookSecret = newSecret()
  readonly #arrivals: Arrival[] = []
  readonly #disturbances: Disturbances = { lives: [], outages: [], mistakes: [], holds: [] }
  readonly #receivers = new Map<HookName, TortureReceiver>()
  readonly #token = randomBytes(16).toString('hex')
  #replicas: Replica[] = []
  #person: Person | null = null

  constructor(
    kind: StoreKind,
    options: TortureOptions,
    store: TorturedStore,
    folder: string,
    say: (line: string) => void,
  ) {
    this.#kind = kind
    this.#options = options
    this.#store = store
    this.#folder = folder
    this.#say = say
  }

  async run(): Promise<Verdict> {
    const { seed, perSecond } = this.#options
    for (const name of HOOK_NAMES) {
      this.#receivers.set(name, await TortureReceiver.start(name, this.#hookSecret, this.#arrivals, seed))
    }
    const urlOf = (name: HookName) => (this.#receivers.get(name) as TortureReceiver).url
    const hooksFile = new HooksFile(join(this.#folder, 'hooks.json'), urlOf, seed)
    this.#replicas = Array.from({ length: REPLICAS[this.#kind] }, (_, index) =>
      this.#replica(index + 1, hooksFile),
    )
    await Promise.all(this.#replicas.map((replica) => replica.start()))

    const { holds } = this.#disturbances
    this.#person = new Person({ token: this.#token, replicas: this.#replicas, holds })

    const foreignSecret = newSecret()
    const messages = new Messages(seed)
    const sender = new Sender({
      secret: this.#secret,
      foreignSecret,
      replicas: this.#replicas,
      messages,
      seed,
      perSecond,
    })
    sender.start()
    await this.#follow(this.#plan(), hooksFile)
    this.#say('everything works again: waiting until what was sent is held, and what is held is delivered')
    await this.#heal(hooksFile)
    const held = performance.now()
    await sender.end(LONGEST_SENDING_MS)
    const drained = performance.now()
    const leftover = await this.#drain()
    const seconds = (from: number, to = performance.now()) => `${((to - from) / 1000).toFixed(1)} s`
    this.#say(`held after ${seconds(held, drained)}, delivered after another ${seconds(drained)}`)
    await Promise.all(this.#replicas.map((replica) => replica.stop()))
    const stored = await this.#store.read()
    const { sent } = sender
    return compare({ sent, arrivals: this.#arrivals, leftover, stored, disturbances: this.#disturbances })
  }

  /** Nothing of it is left running, whatever happened. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#replicas.map((replica) => replica.kill()))
    await Promise.allSettled([...this.#receivers.values()].map((receiver) => receiver.stop()))
  }

  #replica(number: number, hooksFile: HooksFile): Replica {
    const environment = {
      SEAM_WEBHOOK_SECRET: this.#secret,
      HOOKS_FILE: hooksFile.path,
      DATABASE_URL: this.#store.databaseUrl,
      HOST: '127.0.0.1',
      PORT: '0',
      OPERATOR_PORT: '0',
      OPERATOR_TOKEN: this.#token,
      SHUTDOWN_TIMEOUT_MS: String(STOP_BOUND_MS),
      FORGERY_LIMIT_PER_MINUTE: '1000000',
      [SECRET_VARIABLE]: this.#hookSecret,
    }
    return new Replica({ number, environment, hooks: () => hooksFile.hooks, lives: this.#disturbances.lives })
  }

  #plan(): Action[] {
    const { seed, seconds, kills } = this.#options
    const canFillDisk = this.#store.fillDisk !== null
    if (this.#kind === 'sqlite' && !canFillDisk) {
      this.#say('no file system can be mounted here, so the disk is not filled')
    }
    const replicas = REPLICAS[this.#kind]
    return planOf({ seed, seconds, kills, store: this.#kind, replicas, canFillDisk })
  }

  /** What is done to one and the same thing is done in turn; everything else goes on beside it. */
  async #follow(plan: readonly Action[], hooksFile: HooksFile): Promise<void> {
    const startedAt = performance.now()
    const lanes = Map.groupBy(plan, (action) =>
      action.on === 'replica' ? `replica ${action.replica}` : action.on,
    )
    const inTurn = async (actions: readonly Action[]) => {
      for (const action of actions) {
        await delay(Math.max(0, action.atMs - (performance.now() - startedAt)))
        await this.#act(action, hooksFile)
      }
    }
    const endMs = this.#options.seconds * 1000
    await Promise.all([...[...lanes.values()].map(inTurn), delay(endMs)])
  }

  async #act(action: Action, hooksFile: HooksFile): Promise<void> {
    switch (action.on) {
      case 'replica':
        return this.#replicas[action.replica - 1]?.do(action.action)
      case 'receiver':
        return this.#receivers.get(action.hook)?.turn(action.mood)
      case 'person':
        return this.#person?.ask(action.asks)
      case 'hooks':
        return this.#changeHooks(action.change, hooksFile)
      case 'database':
        return this.#during(this.#disturbances.outages, async () => {
          await this.#store.takeAway?.(action.how)
          await delay(action.forMs)
          await this.#store.giveBack()
        })
      case 'disk':
        return this.#during(this.#disturbances.outages, async () => {
          this.#store.fillDisk?.()
          await delay(action.forMs)
          this.#store.freeDisk()
        })
    }
  }

  async #changeHooks(change: HookChange, hooksFile: HooksFile): Promise<void> {
    if (change !== 'mistake') {
      hooksFile.change(change)
      await this.#reload('hooks taken over')
      return
    }
    await this.#during(this.#disturbances.mistakes, async () => {
      hooksFile.change(change)
      await this.#reload('hooks not taken over, the old ones stay')
      hooksFile.repair()
    })
  }

  async #reload(message: Parameters<Replica['reload']>[0]): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.reload(message)))
  }

  /** Notes from when to when something was so. While it lasts, its end is not known. */
  async #during(spans: Span[], something: () => Promise<void>): Promise<void> {
    const span = { from: performance.now(), to: Infinity }
    spans.push(span)
    await something()
    span.to = performance.now()
  }

  async #heal(hooksFile: HooksFile): Promise<void> {
    await Promise.all([...this.#receivers.values()].map((receiver) => receiver.turn('well')))
    hooksFile.nameAll()
    await this.#reload('hooks taken over')
  }

  /**
   * Waits until every delivery is settled. After `drainSeconds` it waits no longer for what is leased or not yet due,
   * and some time after that for nothing at all: what is overdue then is a fault.
   */
  async #drain(): Promise<Leftover[]> {
    const began = performance.now()
    const enoughMs = this.#options.drainSeconds * 1000
    for (;;) {
      const tookMs = performance.now() - began
      const unsettled = await this.#store.unsettled(tookMs > enoughMs ? MANY : 1)
      const isDue = unsettled.some(({ dueInMs }) => dueInMs <= 0)
      if (unsettled.length === 0 || (tookMs > enoughMs && !isDue)) return unsettled
      if (tookMs > enoughMs + OVERDUE_PATIENCE_MS) return unsettled
      await delay(100)
    }
  }
}
