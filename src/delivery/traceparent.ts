import { randomBytes } from 'node:crypto'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const TRACE_BYTES = 16
const SPAN_BYTES = 8

/**
 * The trace of one attempt, by W3C Trace Context. Its trace id is the event's id, so that what each receiver does about
 * the event is one trace. A sample's id is none of its own and gets a random trace.
 */
export function traceparent(webhookId: string): string {
  const bytes = webhookId.replaceAll('-', '').toLowerCase()
  // The standard forbids a trace id of zeros.
  const isTraceId = UUID.test(webhookId) && !/^0+$/.test(bytes)
  return `00-${isTraceId ? bytes : nonZero(TRACE_BYTES)}-${nonZero(SPAN_BYTES)}-01`
}

/** Random bytes in hex, of which the first is never 0: the standard forbids an id of zeros. */
function nonZero(count: number): string {
  const bytes = randomBytes(count)
  bytes[0] = (bytes[0] ?? 0) | 1
  return bytes.toString('hex')
}
