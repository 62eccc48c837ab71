import type { CountRow, CountsRequest } from '../../store/records.ts'
import type { OperatorApp } from '../operator-app.ts'
import { RequestRefused } from '../request-refused.ts'
import { reused } from '../reused.ts'
import type { OperatorApiOptions } from './options.ts'
import { Counts, CountsQuery } from './shapes/action.ts'
import type { Counts as CountsShape } from './shapes/action.ts'
import { timeOf, timeText } from './times.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** More than a chart can show; a longer span takes a longer step. */
const MAX_STEPS = 1500
/** Within this time, those who ask for the same span in the same steps get the same reading. */
const REUSE_MS = 2000
/** Spans whose last reading is kept: an hour and a day of the page, and what scripts ask for. */
const MAX_KEPT = 8

type Step = CountsShape['items'][number]

export function countRoutes(
  app: OperatorApp,
  { reader, clock }: Pick<OperatorApiOptions, 'reader' | 'clock'>,
): void {
  const countsOf = sharedCounts(reader, clock)
  app.get(
    '/api/counts',
    {
      schema: {
        tags: ['overview'],
        summary: 'Count what happened, step by step',
        description:
          'From `since` (an hour ago) until now, in steps of `step` seconds (60), over all replicas. The first step begins at the minute of `since`. A step in which nothing happened is left out.',
        querystring: CountsQuery,
        response: { 200: Counts },
      },
    },
    async ({ query }) => {
      const stepMs = (query.step ?? 60) * 1000
      const now = clock.wallMs()
      const asked = query.since === undefined ? now - HOUR_MS : timeOf('since', query.since)
      const since = Math.max(0, Math.floor(asked / MINUTE_MS) * MINUTE_MS)
      // The minute that is not over is counted, too.
      const until = Math.max(since, Math.floor(now / MINUTE_MS) * MINUTE_MS + MINUTE_MS)
      if ((until - since) / stepMs > MAX_STEPS)
        throw new RequestRefused(
          'request_invalid',
          `That is more than ${MAX_STEPS} steps: "step" has to be longer.`,
        )
      return countsOf({ since, until, stepMs })
    },
  )
}

function sharedCounts(
  reader: OperatorApiOptions['reader'],
  clock: OperatorApiOptions['clock'],
): (request: CountsRequest) => Promise<CountsShape> {
  const kept = new Map<string, () => Promise<CountsShape>>()

  async function read(request: CountsRequest): Promise<CountsShape> {
    const { since, until, stepMs } = request
    const items = stepsOf(await reader.counts(request))
    return { since: timeText(since), until: timeText(until), step_ms: stepMs, items }
  }

  return (request) => {
    const span = `${request.since} ${request.until} ${request.stepMs}`
    const ask = kept.get(span) ?? reused(() => read(request), REUSE_MS, clock)
    // The span that was asked for last is the last to be forgotten.
    kept.delete(span)
    kept.set(span, ask)
    const [oldest] = kept.keys()
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest)
    return ask()
  }
}

function stepsOf(rows: readonly CountRow[]): Step[] {
  const steps = new Map<number, Step>()
  for (const row of rows) {
    const step = steps.get(row.at) ?? emptyStep(row.at)
    steps.set(row.at, step)
    add(step, row)
  }
  return [...steps.values()]
}

function emptyStep(at: number): Step {
  return {
    at: timeText(at),
    accepted: 0,
    duplicate: 0,
    quarantined: 0,
    ignored: 0,
    refused: {},
    hooks: {},
    latency_ms: {},
  }
}

function add(step: Step, { kind, hook, code, count }: CountRow): void {
  switch (kind) {
    case 'accepted':
    case 'duplicate':
    case 'quarantined':
    case 'ignored':
      step[kind] += count
      return
    case 'refused':
      step.refused[code] = (step.refused[code] ?? 0) + count
      return
    case 'latency':
      step.latency_ms[code] = (step.latency_ms[code] ?? 0) + count
      return
    case 'delivered':
    case 'failed':
    case 'dead': {
      const ofHook = (step.hooks[hook] ??= { delivered: 0, failed: 0, dead: 0 })
      ofHook[kind] += count
    }
  }
}
