import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accepted, measurementOf, measureRounds, median, printTable, ratio } from './measurement.ts'
import type { Line, Load } from './measurement.ts'
import { atAnEvenPace, peopleCalls, timedCall } from './people-calls.ts'
import type { TimedCall } from './people-calls.ts'
import { EVENTS, HOOK, fillPostgres, fillSqlite } from './people-store.ts'
import { hasBrowser, watchByBrowser, watchByClients } from './people-viewers.ts'
import type { Stop } from './people-viewers.ts'
import { startBenchServer } from './postgres-database.ts'
import { startReceiver, startRelay } from './processes.ts'

// What people ask beside a million events, while webhooks come; and what acceptance notices of people who watch.

/** A call and a /livez in turn, one each so many milliseconds: far from the 6,000 calls a minute that one address may make. */
const ASK_EVERY_MS = 25
/** One round of calls takes so long: each call comes about 13 times. */
const ROUND_MS = 20_000
const LIVEZ = '/livez'
const LIST_EVERY_MS = 50
const ALONE = 'nobody looks'
/** So many that a turn has a few loads of the page in it. */
const WATCHED_EVENTS = 30_000

export async function measurePeople(load: Load, rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'seam-relay-bench-'))
  const path = join(folder, 'relay.db')
  fillSqlite(path)
  await measureCalls('SQLite', `sqlite:${path}`, load, rounds)
  await measureWatched('SQLite', `sqlite:${path}`, load, rounds)
  rmSync(folder, { recursive: true })

  const server = await startBenchServer()
  try {
    const { client, url } = await server.newDatabase()
    await fillPostgres(client)
    await server.checkpoint()
    await measureCalls('Postgres', url, load, rounds)
    await measureWatched('Postgres', url, load, rounds)
    await client.end()
  } finally {
    await server.remove()
  }
}

/** How long each call takes, against /livez in turn with it, while half as many webhooks come as could. */
export async function measureCalls(
  store: string,
  databaseUrl: string,
  load: Load,
  rounds: number,
): Promise<void> {
  const receiver = await startReceiver()
  const url = `http://127.0.0.1:${receiver.port}/hook`
  const hook = { name: HOOK, url, secrets: [load.secret], concurrency: load.connections }
  const relay = await startRelay(load.secret, [hook], databaseUrl)
  const calls = Object.entries(await peopleCalls(relay.operatorUrl))
  const times = new Map<string, number[]>([LIVEZ, ...calls.map(([name]) => name)].map((name) => [name, []]))

  // The first ones pay for the pages of what was written into the store.
  await accepted([relay.port], { ...load, count: 4000 })
  const full: number[] = []
  for (let run = 0; run < 3; run++) full.push(load.count / (await accepted([relay.port], load)).seconds)
  const perSecond = Math.round(median(full) / 2)
  for (let round = 0; round < rounds; round++) {
    const asked: (TimedCall & { name: string })[] = []
    const stop = atAnEvenPace(ASK_EVERY_MS, async (turn) => {
      const [name, path] = calls[Math.floor(turn / 2) % calls.length] as [string, string]
      if (turn % 2 === 0)
        asked.push({ name: LIVEZ, ...(await timedCall(`http://127.0.0.1:${relay.port}/livez`)) })
      else asked.push({ name, ...(await timedCall(`${relay.operatorUrl}/api/${path}`)) })
    })
    const count = Math.round((perSecond * ROUND_MS) / 1000)
    const { startedAt, seconds } = await accepted([relay.port], { ...load, perSecond, count })
    await stop()
    // Before it, the webhooks are signed, which is not what is to be measured.
    const during = asked.filter(({ at }) => at >= startedAt && at < startedAt + seconds * 1000)
    for (const { name, ms } of during) times.get(name)?.push(ms)
  }
  await relay.stop()
  await receiver.stop()
  printCalls(store, perSecond, rounds, times)
}

function printCalls(
  store: string,
  perSecond: number,
  rounds: number,
  times: ReadonlyMap<string, number[]>,
): void {
  const at = (name: string, share: number) => {
    const sorted = (times.get(name) ?? []).toSorted((x, y) => x - y)
    return sorted[Math.floor(sorted.length * share)] ?? NaN
  }
  console.log(
    `\n${store}: calls beside ${EVENTS} events and ${perSecond} webhooks a second, ${rounds} rounds of ${ROUND_MS / 1000} s\n`,
  )
  console.log(
    '| | times | p50 ms | p99 ms | longest ms | p99 by that of /livez |\n| --- | ---: | ---: | ---: | ---: | ---: |',
  )
  for (const [name, { length }] of times) {
    const figures = [at(name, 0.5), at(name, 0.99), at(name, 1 - 1 / length)].map((ms) => ms.toFixed(1))
    console.log(
      `| ${name} | ${length} | ${figures.join(' | ')} | ${(at(name, 0.99) / at(LIVEZ, 0.99)).toFixed(1)} |`,
    )
  }
}

/** Acceptance while nobody looks, and while five people watch the page and a script asks for a list 20 times a second. */
export async function measureWatched(
  store: string,
  databaseUrl: string,
  load: Load,
  rounds: number,
): Promise<void> {
  const relay = await startRelay(load.secret, [], databaseUrl)
  const watchedLoad = { ...load, count: WATCHED_EVENTS }
  const lineOf = (watch: (operatorUrl: string) => Promise<Stop>): Line => {
    return async () => {
      const stop = await watch(relay.operatorUrl)
      const before = relay.processorSeconds()
      const sent = await accepted([relay.port], watchedLoad)
      const processorUs = ((relay.processorSeconds() - before) * 1e6) / WATCHED_EVENTS
      await stop()
      return { ...measurementOf(sent, sent.seconds), processorUs }
    }
  }
  const andAList = (watch: (operatorUrl: string) => Promise<Stop>) => async (operatorUrl: string) => {
    const stops = [
      await watch(operatorUrl),
      atAnEvenPace(LIST_EVERY_MS, async () => void (await timedCall(`${operatorUrl}/api/events`))),
    ]
    return async () => void (await Promise.all(stops.map((stop) => stop())))
  }
  const lines: Record<string, Line> = {
    [ALONE]: lineOf(() => Promise.resolve(() => Promise.resolve())),
    'five clients that ask what the page asks, and a list': lineOf(andAList(watchByClients)),
  }
  if (await hasBrowser()) lines['five tabs of a Chromium, and a list'] = lineOf(andAList(watchByBrowser))
  await accepted([relay.port], watchedLoad)
  const results = await measureRounds(lines, rounds)
  await relay.stop()
  console.log(`\n${store}: ${WATCHED_EVENTS} events beside ${EVENTS}, medians of ${rounds} rounds\n`)
  printTable(results)
  const alone = results[ALONE] ?? []
  for (const [name, measured] of Object.entries(results)) {
    const us = median(measured.map(({ processorUs = NaN }) => processorUs)).toFixed(0)
    console.log(
      `${name}: by nobody's ${ratio(measured, alone)}, processor time of the relay for an event ${us} µs`,
    )
  }
}
