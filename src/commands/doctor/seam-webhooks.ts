import { Agent, request } from 'undici'
import type { Clock } from '../../time/clock.ts'
import { whyUnreached } from '../unreached.ts'

/** A webhook endpoint as Seam has it. */
export interface SeamEndpoint {
  url: string
  /** The types that it sends; `null` if Seam does not say, which means all. */
  eventTypes: string[] | null
  /** `null` if Seam does not tell it. */
  secret: string | null
}

export type SeamAnswer =
  | { kind: 'endpoints'; endpoints: SeamEndpoint[]; aheadMs: number | null }
  | { kind: 'refused'; status: number; aheadMs: number | null }
  | { kind: 'unreached'; why: string }

const HALF_SECOND_MS = 500

/** Asks Seam which webhook endpoints the workspace of this API key has. */
export async function askSeam(
  { apiUrl, apiKey }: { apiUrl: string; apiKey: string },
  clock: Clock,
  timeoutMs: number,
): Promise<SeamAnswer> {
  const agent = new Agent({
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: 1_048_576,
  })
  try {
    const askedAt = clock.wallMs()
    const { statusCode, headers, body } = await request(`${apiUrl}/webhooks/list`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: '{}',
      dispatcher: agent,
    })
    const theirs = Date.parse(String(headers['date'])) + HALF_SECOND_MS
    const aheadMs = Number.isNaN(theirs) ? null : (askedAt + clock.wallMs()) / 2 - theirs
    const text = await body.text()
    if (statusCode !== 200) return { kind: 'refused', status: statusCode, aheadMs }
    const endpoints = endpointsIn(text)
    if (endpoints === null) return { kind: 'unreached', why: "the answer is not what Seam's API gives" }
    return { kind: 'endpoints', endpoints, aheadMs }
  } catch (error) {
    return { kind: 'unreached', why: whyUnreached(error) }
  } finally {
    await agent.destroy()
  }
}

function endpointsIn(text: string): SeamEndpoint[] | null {
  let list: unknown
  try {
    list = (JSON.parse(text) as { webhooks?: unknown } | null)?.webhooks
  } catch {
    return null
  }
  if (!Array.isArray(list)) return null
  return list.flatMap((one: unknown) => {
    const { url, event_types: types, secret } = (one ?? {}) as Record<string, unknown>
    if (typeof url !== 'string') return []
    const eventTypes = Array.isArray(types) ? types.filter((type) => typeof type === 'string') : null
    return [{ url, eventTypes, secret: typeof secret === 'string' ? secret : null }]
  })
}
