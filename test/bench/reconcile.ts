import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { credentialEvent } from '../support/credential-event.ts'
import { accepted, median } from './measurement.ts'
import { startRelay } from './processes.ts'
import type { RunningRelay } from './processes.ts'

// What it costs acceptance that events which are all known are compared with Seam's list again and again. The two take turns
// on one relay: between the turns of comparing, Seam keeps it waiting for an answer.

const KNOWN = 100_000
const WORKSPACE = 'aaaaaaaa-1111-4222-8333-444444444444'
/** They lie in the last minute: so each pass of the next ten minutes compares all of them. */
const SPREAD_MS = 60_000

export async function measureReconcile(secret: string, rounds: number, count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'seam-relay-bench-'))
  const url = `sqlite:${join(folder, 'relay.db')}`
  const seam = await startSeam()
  const environment = {
    SEAM_API_KEY: 'bench',
    SEAM_API_URL: seam.url,
    RECONCILE_INTERVAL_S: '1',
    RECONCILE_SETTLE_S: '0',
    RECONCILE_LOOKBACK_HOURS: '1',
  }
  const first = await startRelay(secret, [], url, environment)
  const from = performance.now()
  while ((await first.counter('seam_relay_reconcile_recovered_total')) < KNOWN) await delay(200)
  console.log(
    `reconcile: ${KNOWN} missed events taken in within ${((performance.now() - from) / 1000).toFixed(0)} s`,
  )
  await first.stop()

  const load = { secret, connections: 32, count }
  const peakWithoutMiB = await peakOfAcceptance(secret, url, load, 2 * rounds + 2)

  seam.hold()
  const relay = await startRelay(secret, [], url, environment)
  // Each comes first in every other round. The first turn warms up and is not counted.
  await accepted([relay.port], load)
  const figures = { alone: [await turn(relay, load)], beside: [] as number[] }
  const comparedBefore = await checked(relay)
  const comparing = performance.now()
  for (let round = 0; round < rounds; round++) {
    seam.goOn()
    figures.beside.push(await turn(relay, load))
    seam.hold()
    figures.alone.push(await turn(relay, load))
  }
  seam.goOn()
  while ((await checked(relay)) - comparedBefore < KNOWN) await delay(200)
  const seconds = (performance.now() - comparing) / 1000
  const [alone, beside] = [median(figures.alone), median(figures.beside)]
  console.log(
    `  acceptance alone ${alone.toFixed(0)}/s, while known events are compared ${beside.toFixed(0)}/s: ${(beside / alone).toFixed(2)} (goal: at least 0.80)`,
  )
  console.log(
    `  peak memory ${relay.peakMemoryMiB().toFixed(0)} MiB with ${(await checked(relay)) - comparedBefore} compared events in ${seconds.toFixed(0)} s, ${peakWithoutMiB.toFixed(0)} MiB of a relay that takes in as many and compares nothing (goal: at most 50 MiB more)`,
  )
  await relay.stop()
  await seam.stop()
  rmSync(folder, { recursive: true })
}

/** Memory grows with what is taken in, so a relay that compares is held against one that has taken in as much. */
async function peakOfAcceptance(
  secret: string,
  url: string,
  load: Parameters<typeof turn>[1],
  turns: number,
): Promise<number> {
  const relay = await startRelay(secret, [], url)
  for (let taken = 0; taken < turns; taken++) await turn(relay, load)
  const peakMiB = relay.peakMemoryMiB()
  await relay.stop()
  return peakMiB
}

async function turn(relay: RunningRelay, load: Parameters<typeof accepted>[1]): Promise<number> {
  const { seconds } = await accepted([relay.port], load)
  return load.count / seconds
}

function checked(relay: RunningRelay): Promise<number> {
  return relay.counter('seam_relay_reconcile_checked_total')
}

/** Lists its events fast: they are in order, and each is written as JSON once. */
async function startSeam() {
  const end = Date.now()
  const events = Array.from({ length: KNOWN }, (_, index) => {
    const at = end - SPREAD_MS + Math.floor((index * SPREAD_MS) / KNOWN)
    const created_at = new Date(at).toISOString()
    const fields = { event_id: randomUUID(), workspace_id: WORKSPACE, created_at, occurred_at: created_at }
    return { at, text: JSON.stringify({ ...credentialEvent(), ...fields }) }
  })
  let release: (() => void) | null = null
  let held: Promise<void> = Promise.resolve()
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { between, limit = 500 } = JSON.parse((await text(request)) || '{}') as {
      between?: [string, string]
      limit?: number
    }
    await held
    response.setHeader('content-type', 'application/json')
    if (between === undefined) return response.end(JSON.stringify({ workspace: { workspace_id: WORKSPACE } }))
    const [after, before] = between.map((time) => Date.parse(time)) as [number, number]
    const start = events.findIndex(({ at }) => at > after)
    const listed = start < 0 ? [] : events.slice(start, start + limit).filter(({ at }) => at < before)
    return response.end(`{"events":[${listed.map((event) => event.text).join(',')}]}`)
  }
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold() {
      held = new Promise((resolve) => {
        release = resolve
      })
    },
    goOn: () => release?.(),
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
