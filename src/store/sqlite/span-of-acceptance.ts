import type { AcceptedSpan } from '../store.ts'

/** A span of acceptance as parameters: from (included), until (excluded), and the ids as a JSON list. */
export interface SpanParameters {
  since: number
  until: number
  webhookIds: string | null
}

export function spanParameters({ since, until, webhookIds }: AcceptedSpan): SpanParameters {
  return {
    since: since ?? Number.MIN_SAFE_INTEGER,
    until: until ?? Number.MAX_SAFE_INTEGER,
    webhookIds: webhookIds === undefined ? null : JSON.stringify(webhookIds),
  }
}

/** The numbers of the ids in the JSON list that is the given parameter. */
export function seqsOf(parameter: string): string {
  return `select seq from event_ids where webhook_id in (select value from json_each(${parameter}))`
}
