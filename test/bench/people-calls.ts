import { setTimeout as delay } from 'node:timers/promises'
import { RARE_WORKSPACE } from './people-store.ts'

// Every list, search and overview call of the operator's API, with the filters that an index serves and those that none does.

/** One path of each call, by the name under which it is told. */
export type Calls = Record<string, string>

const HOUR_MS = 3_600_000

/** @param operatorUrl of a relay whose store was filled; what is asked for is taken from its own lists */
export async function peopleCalls(operatorUrl: string): Promise<Calls> {
  const firstOf = async (path: string) => {
    const { items, cursor } = (await (await ask(`${operatorUrl}/api/${path}`)).json()) as {
      items: Record<string, string>[]
      cursor: string
    }
    if (items[0] === undefined) throw new Error(`nothing at ${path}`)
    return { item: items[0], cursor }
  }
  const ago = (hours: number) => new Date(Date.now() - hours * HOUR_MS).toISOString()
  const { item: event, cursor } = await firstOf(`events?until=${ago(150)}&limit=50`)
  const { item: quarantined } = await firstOf('quarantine')
  const { item: replay } = await firstOf('replays')
  const nowhere = '11111111-2222-4333-8444-555555555555'
  return {
    overview: 'overview',
    'counts, an hour': 'counts',
    'counts, a day': `counts?since=${ago(24)}&step=1800`,
    'counts, two weeks': `counts?since=${ago(330)}&step=3600`,
    hooks: 'hooks',
    failures: 'failures',
    events: 'events',
    'events, 500 of them': 'events?limit=500',
    'events, a page half a million back': `events?cursor=${encodeURIComponent(cursor)}`,
    'events of a type': 'events?type=acs_credential.deleted',
    'events of a type that never came': 'events?type=device.*',
    'events of a rare workspace': `events?workspace=${RARE_WORKSPACE}`,
    'events of a credential': `events?credential=${event['credential_id']}`,
    'events of a span': `events?since=${ago(200)}&until=${ago(150)}`,
    'one event': `events/${event['event_id']}`,
    "a credential's story": `credentials/${event['credential_id']}`,
    'search for an event': `search?q=${event['event_id']}`,
    'search for a credential': `search?q=${event['credential_id']}`,
    'search for an id that is nowhere': `search?q=${nowhere}`,
    deliveries: 'deliveries',
    'deliveries, dead': 'deliveries?state=dead',
    'deliveries, dead with a code': 'deliveries?state=dead&code=timeout',
    'deliveries, dead with a code that never came': 'deliveries?state=dead&code=tls_failed',
    'deliveries, pending': 'deliveries?state=pending',
    'deliveries of a hook with a code that never came': 'deliveries?hook=bench&code=tls_failed',
    quarantine: 'quarantine',
    'one quarantined body': `quarantine/${quarantined['id']}`,
    replays: 'replays',
    'one replay': `replays/${replay['id']}`,
    refusals: 'refusals',
    actions: 'actions',
  }
}

/** An answered call: when it began, in milliseconds since 1970, and what it took. */
export interface TimedCall {
  at: number
  ms: number
}

/** @throws if it is not answered with 200 */
export async function timedCall(url: string): Promise<TimedCall> {
  const at = Date.now()
  const startedAt = performance.now()
  await (await ask(url)).arrayBuffer()
  return { at, ms: performance.now() - startedAt }
}

async function ask(url: string): Promise<Response> {
  const answer = await fetch(url)
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
  return answer
}

/** Begins one each so many milliseconds until it is stopped, after the one before at the earliest. */
export function atAnEvenPace(everyMs: number, work: (n: number) => Promise<void>): () => Promise<void> {
  let isStopped = false
  const working = (async () => {
    let next = performance.now()
    for (let n = 0; !isStopped; n++) {
      await work(n)
      next = Math.max(next + everyMs, performance.now())
      await delay(Math.max(0, next - performance.now()))
    }
  })()
  return async () => {
    isStopped = true
    await working
  }
}
