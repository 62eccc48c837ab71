import { randomUUID } from 'node:crypto'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Half of a UUID is as long as the id of a span. The second one begins with a bit that is set: the standard forbids an id of zeros. */
const SPAN_START = 16

/**
 * The trace of one attempt, by W3C Trace Context. Its trace id is the event's id, so that what each receiver does about
 * the event is one trace. A sample's id is none of its own and gets a random trace.
 */
export function traceparent(webhookId: string): string {
  const digits = webhookId.replaceAll('-', '').toLowerCase()
  // The standard forbids a trace id of zeros.
  const isTraceId = UUID.test(webhookId) && !/^0+$/.test(digits)
  return `00-${isTraceId ? digits : randomDigits()}-${randomDigits().slice(SPAN_START)}-01`
}

/** Node draws UUIDs from a supply of random bytes. Asking the system for some at each attempt took 5 µs. */
function randomDigits(): string {
  return randomUUID().replaceAll('-', '')
}
