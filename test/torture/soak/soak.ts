import { readFileSync } from 'node:fs'
import type { Action } from '../plan.ts'
import type { Replica } from '../replica.ts'
import { footprintOf } from './footprint.ts'
import type { Footprint } from './footprint.ts'
import { growths, table } from './growth.ts'

/** Minute 3 of 20. */
const EARLY_SHARE = 0.15
/** Earlier, Node has not compiled everything yet, and no pool has been filled. */
const EARLY_LEAST_S = 60

/** Cuts the plan in two where the early look is taken: the same faults, the later ones counted from there. */
export function inParts(plan: readonly Action[], seconds: number) {
  const early = Math.min(Math.round(seconds / 2), Math.max(EARLY_LEAST_S, Math.round(seconds * EARLY_SHARE)))
  const isEarly = ({ atMs }: Action) => atMs < early * 1000
  const later = plan.filter((action) => !isEarly(action))
  return [
    { plan: plan.filter(isEarly), seconds: early },
    {
      plan: later.map((action) => ({ ...action, atMs: action.atMs - early * 1000 })),
      seconds: seconds - early,
    },
  ]
}

/** What each replica took when it was looked at. */
export class Soak {
  /** As production starts it, and open to be looked into. */
  static readonly nodeOptions = ['--inspect=127.0.0.1:0', ...memoryOptions()]
  readonly #looks: Footprint[][] = []

  /** At rest: nothing is sent, and everything is delivered. */
  async measure(replicas: readonly Replica[]): Promise<void> {
    this.#looks.push(await Promise.all(replicas.map((replica) => footprintOf(replica.inspected))))
  }

  /** Shows the first look beside the last. @returns what has grown */
  judge(say: (line: string) => void): string[] {
    const [early = [], late = []] = [this.#looks[0], this.#looks.at(-1)]
    return early.flatMap((before, index) => {
      const after = late[index] as Footprint
      say([`replica ${index + 1} at rest`, ...table(before, after)].join('\n  '))
      return growths(before, after).map((growth) => `replica ${index + 1}: ${growth}`)
    })
  }
}

/** Those that `npm start` gives to Node for its heap. */
function memoryOptions(): string[] {
  const { scripts } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    scripts: { start: string }
  }
  return scripts.start.split(' ').filter((word) => word.includes('-space-size='))
}
