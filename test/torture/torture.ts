import { randomInt } from 'node:crypto'
import type { Verdict } from './compare/compare.ts'
import { USAGE, readOptions } from './options.ts'
import type { TortureOptions } from './options.ts'
import type { StoreKind } from './plan.ts'
import { run } from './run.ts'

const SHOWN_FAULTS = 20

// Whatever ends this process, what it has started ends with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
process.exitCode = await main()

/** @returns 0: no fault; 1: faults; 2: used wrongly */
async function main(): Promise<number> {
  let options: TortureOptions
  try {
    options = readOptions(process.argv.slice(2), randomInt(1_000_000))
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`)
    return 2
  }
  const { seed, seconds, stores } = options
  console.log(`seed ${seed}: ${seconds} s on ${stores.join(' and ')}`)
  const verdicts = await Promise.all(stores.map((store) => tortured(store, options)))
  return verdicts.every(({ faults }) => faults.length === 0) ? 0 : 1
}

async function tortured(store: StoreKind, options: TortureOptions): Promise<Verdict> {
  const verdict = await run(store, options, (line) => console.log(`${store}: ${line}`))
  const { faults, figures } = verdict
  console.log(
    [
      `${store}: ${figures.sent} webhooks sent, ${figures.accepted} events accepted, ${figures.arrivals} requests received, ` +
        `${figures.successes} of them answered 2xx`,
      `${figures.kills} times kill -9 (${figures.killsWhileStarting} during a start), ${figures.stops} stops, ` +
        `${figures.pauses} pauses, ${figures.outages} outages of the store, ${figures.holds} hooks paused, ${figures.replayed} deliveries replayed`,
      `${figures.inFlight} attempts in flight at these, ${figures.doubles} came twice`,
      `${figures.dead} dead letters by the rules, ${figures.leftover} still leased or waiting`,
      faults.length === 0 ? 'the three ledgers agree' : `${faults.length} FAULTS`,
      ...faults.slice(0, SHOWN_FAULTS),
      ...(faults.length > SHOWN_FAULTS ? ['…'] : []),
      ...(faults.length > 0
        ? [
            `to play it again: npm run torture -- ${options.isSoak ? '--soak ' : ''}--seconds ${options.seconds} --seed ${options.seed}`,
          ]
        : []),
    ].join('\n  '),
  )
  return verdict
}
