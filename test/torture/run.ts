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
import type { HookName } from './hooks-file.ts'
import type { Arrival, Disturbances, Leftover, Sent } from './ledgers.ts'
import { Messages } from './messages.ts'
import type { TortureOptions } from './options.ts'
import { Person } from './person.ts'
import { planOf } from './plan.ts'
import type { Action, StoreKind } from './plan.ts'
import { TortureReceiver } from './receiver.ts'
import { Replica } from './replica.ts'
import { Sender } from './sender.ts'
import { Soak, inParts } from './soak/soak.ts'
import { Viewers } from './soak/viewers.ts'
import { postgresStore, sqliteStore } from './stores.ts'
import type { TorturedStore } from './stores.ts'
import { Tormentor } from './tormentor.ts'

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
  readonly #foreignSecret = newSecret()
  readonly #hookSecret = newSecret()
  readonly #arrivals: Arrival[] = []
  readonly #disturbances: Disturbances = { lives: [], outages: [], mistakes: [], holds: [] }
  readonly #receivers = new Map<HookName, TortureReceiver>()
  readonly #token = randomBytes(16).toString('hex')
  #replicas: Replica[] = []
  readonly #soak: Soak | null

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
    this.#soak = options.isSoak ? new Soak() : null
  }

  async run(): Promise<Verdict> {
    const { seed } = this.#options
    for (const name of HOOK_NAMES) {
      this.#receivers.set(name, await TortureReceiver.start(name, this.#hookSecret, this.#arrivals, seed))
    }
    const urlOf = (name: HookName) => (this.#receivers.get(name) as TortureReceiver).url
    const hooksFile = new HooksFile(join(this.#folder, 'hooks.json'), urlOf, seed)
    this.#replicas = Array.from({ length: REPLICAS[this.#kind] }, (_, index) =>
      this.#replica(index + 1, hooksFile),
    )
    await Promise.all(this.#replicas.map((replica) => replica.start()))

    const disturbances = this.#disturbances
    const [token, replicas, receivers, store] = [this.#token, this.#replicas, this.#receivers, this.#store]
    const person = new Person({ token, replicas, holds: disturbances.holds })
    const tormentor = new Tormentor({ replicas, receivers, hooksFile, person, store, disturbances })
    const messages = new Messages(seed)
    const sent: Sent[] = []
    let leftover: Leftover[] = []
    for (const { plan, seconds } of this.#parts()) {
      const sender = this.#sender(messages)
      const viewers = this.#soak === null ? null : new Viewers({ token, replicas, seed })
      sender.start()
      viewers?.start()
      await tormentor.follow(plan, seconds)
      this.#say('everything works again: waiting until what was sent is held, and what is held is delivered')
      await tormentor.heal()
      await viewers?.end()
      leftover = await this.#rest(sender)
      sent.push(...sender.sent)
      await this.#soak?.measure(replicas)
    }
    await Promise.all(replicas.map((replica) => replica.stop()))
    const stored = await store.read()
    const verdict = compare({ sent, arrivals: this.#arrivals, leftover, stored, disturbances })
    return { ...verdict, faults: [...verdict.faults, ...(this.#soak?.judge(this.#say) ?? [])] }
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
    const { lives } = this.#disturbances
    const nodeOptions = this.#soak === null ? [] : Soak.nodeOptions
    return new Replica({ number, environment, hooks: () => hooksFile.hooks, lives, nodeOptions })
  }

  #sender(messages: Messages): Sender {
    const { seed, perSecond } = this.#options
    const [secret, foreignSecret, replicas] = [this.#secret, this.#foreignSecret, this.#replicas]
    return new Sender({ secret, foreignSecret, replicas, messages, seed, perSecond })
  }

  /** The plan, which a soak interrupts once for a look at the processes. */
  #parts(): { plan: readonly Action[]; seconds: number }[] {
    const { seed, seconds, kills, isSoak } = this.#options
    const canFillDisk = this.#store.fillDisk !== null
    if (this.#kind === 'sqlite' && !canFillDisk) {
      this.#say('no file system can be mounted here, so the disk is not filled')
    }
    const replicas = REPLICAS[this.#kind]
    const plan = planOf({ seed, seconds, kills, store: this.#kind, replicas, canFillDisk, isSoak })
    return isSoak ? inParts(plan, seconds) : [{ plan, seconds }]
  }

  /** Begins nothing new, and waits for what is under way. @returns what is not settled all the same */
  async #rest(sender: Sender): Promise<Leftover[]> {
    const held = performance.now()
    await sender.end(LONGEST_SENDING_MS)
    const drained = performance.now()
    const leftover = await this.#drain()
    const seconds = (from: number, to = performance.now()) => `${((to - from) / 1000).toFixed(1)} s`
    this.#say(`held after ${seconds(held, drained)}, delivered after another ${seconds(drained)}`)
    return leftover
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
