import { setTimeout as delay } from 'node:timers/promises'
import type { HookChange, HookName, HooksFile } from './hooks-file.ts'
import type { Disturbances, Span } from './ledgers.ts'
import type { Person } from './person.ts'
import type { Action } from './plan.ts'
import type { TortureReceiver } from './receiver.ts'
import type { Replica } from './replica.ts'
import type { TorturedStore } from './stores.ts'

export interface TormentorOptions {
  replicas: readonly Replica[]
  receivers: ReadonlyMap<HookName, TortureReceiver>
  hooksFile: HooksFile
  person: Person
  store: TorturedStore
  /** The ledger of outages and mistakes that it writes to. */
  disturbances: Disturbances
}

/** Does what a plan says, to everything that it names. */
export class Tormentor {
  readonly #options: TormentorOptions

  constructor(options: TormentorOptions) {
    this.#options = options
  }

  /** What is done to one and the same thing is done in turn; everything else goes on beside it. */
  async follow(plan: readonly Action[], seconds: number): Promise<void> {
    const startedAt = performance.now()
    const lanes = Map.groupBy(plan, (action) =>
      action.on === 'replica' ? `replica ${action.replica}` : action.on,
    )
    const inTurn = async (actions: readonly Action[]) => {
      for (const action of actions) {
        await delay(Math.max(0, action.atMs - (performance.now() - startedAt)))
        await this.#act(action)
      }
    }
    await Promise.all([...[...lanes.values()].map(inTurn), delay(seconds * 1000)])
  }

  /** Everything works again. */
  async heal(): Promise<void> {
    const { receivers, hooksFile } = this.#options
    await Promise.all([...receivers.values()].map((receiver) => receiver.turn('well')))
    hooksFile.nameAll()
    await this.#reload('hooks taken over')
  }

  async #act(action: Action): Promise<void> {
    const { replicas, receivers, person, store, disturbances } = this.#options
    switch (action.on) {
      case 'replica':
        return replicas[action.replica - 1]?.do(action.action)
      case 'receiver':
        return receivers.get(action.hook)?.turn(action.mood)
      case 'person':
        return person.ask(action.asks)
      case 'hooks':
        return this.#changeHooks(action.change)
      case 'database':
        return this.#during(disturbances.outages, async () => {
          await store.takeAway?.(action.how)
          await delay(action.forMs)
          await store.giveBack()
        })
      case 'disk':
        return this.#during(disturbances.outages, async () => {
          store.fillDisk?.()
          await delay(action.forMs)
          store.freeDisk()
        })
    }
  }

  async #changeHooks(change: HookChange): Promise<void> {
    const { hooksFile, disturbances } = this.#options
    if (change !== 'mistake') {
      hooksFile.change(change)
      await this.#reload('hooks taken over')
      return
    }
    await this.#during(disturbances.mistakes, async () => {
      hooksFile.change(change)
      await this.#reload('hooks not taken over, the old ones stay')
      hooksFile.repair()
    })
  }

  async #reload(message: Parameters<Replica['reload']>[0]): Promise<void> {
    await Promise.all(this.#options.replicas.map((replica) => replica.reload(message)))
  }

  /** Notes from when to when something was so. While it lasts, its end is not known. */
  async #during(spans: Span[], something: () => Promise<void>): Promise<void> {
    const span = { from: performance.now(), to: Infinity }
    spans.push(span)
    await something()
    span.to = performance.now()
  }
}
