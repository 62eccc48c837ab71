import { parseArgs } from 'node:util'
import type { StoreKind } from './plan.ts'

export interface TortureOptions {
  seed: number
  seconds: number
  /** For each store. */
  kills: number
  stores: readonly StoreKind[]
  perSecond: number
  /** The longest wait for deliveries to be settled when everything works again. */
  drainSeconds: number
  /** No process is started again, and what each takes in the end is compared with what it took early on. */
  isSoak: boolean
}

export const USAGE = `npm run torture -- [options]
  --seconds N   how long the load and the faults last (180)
  --soak        no kills and no stops, and memory, files and timers in the end compared with those early on (--seconds 1200)
  --kills N     how often kill -9 hits, for each store (one in four seconds)
  --store NAME  sqlite, postgres or both (both, side by side)
  --seed N      plays the plan of an earlier run again
  --rate N      webhooks a second, for each store (100)
  --drain N     the longest wait in the end for what is still to be delivered, in seconds (120)`

const SOAK_S = 1200

/** @throws Error with a message for the person at the terminal */
export function readOptions(args: readonly string[], randomSeed: number): TortureOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string' },
      soak: { type: 'boolean', default: false },
      kills: { type: 'string' },
      store: { type: 'string', default: 'both' },
      seed: { type: 'string' },
      rate: { type: 'string' },
      drain: { type: 'string' },
    },
  })
  const seconds = wholeNumber('--seconds', values.seconds, values.soak ? SOAK_S : 180)
  if (values.soak && values.kills !== undefined) {
    throw new Error('--kills: not with --soak, which follows each process from its start to its end')
  }
  const kills = values.soak ? 0 : Math.max(1, Math.round(seconds / 4))
  return {
    seed: wholeNumber('--seed', values.seed, randomSeed),
    seconds,
    kills: wholeNumber('--kills', values.kills, kills),
    stores: storesOf(values.store),
    perSecond: wholeNumber('--rate', values.rate, 100),
    drainSeconds: wholeNumber('--drain', values.drain, 120),
    isSoak: values.soak,
  }
}

function wholeNumber(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback
  const number = Number(text)
  if (!Number.isInteger(number) || number < 0 || number > 4_294_967_295) {
    throw new Error(`${name}: a whole number, not "${text}"`)
  }
  return number
}

function storesOf(text: string): readonly StoreKind[] {
  if (text === 'both') return ['sqlite', 'postgres']
  if (text === 'sqlite' || text === 'postgres') return [text]
  throw new Error(`--store: sqlite, postgres or both, not "${text}"`)
}
