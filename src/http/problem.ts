import type { FastifyReply } from 'fastify'

/** The content type of a problem document. */
export const PROBLEM_TYPE = 'application/problem+json'

/** Everything that a listener can answer besides success, with its status and title. */
const PROBLEMS = {
  signature_missing: [401, 'The signature is missing'],
  signature_malformed: [401, 'The signature headers are malformed'],
  signature_mismatch: [401, 'The signature does not match'],
  timestamp_out_of_range: [401, 'The timestamp is out of range'],
  token_missing: [401, 'The operator token is missing or wrong'],
  host_not_allowed: [421, 'This listener does not go by that name'],
  cross_site: [403, 'Another site made this request'],
  read_only: [403, 'This token may only read'],
  still_configured: [409, 'The hook is still configured'],
  reconciliation_off: [409, 'Reconciliation is off'],
  reconciliation_failed: [502, 'Seam could not be asked'],
  body_incomplete: [400, 'The body did not arrive whole'],
  body_too_large: [413, 'The body is too large'],
  rate_limited: [429, 'Too many requests'],
  not_found: [404, 'Nothing is here'],
  method_not_allowed: [405, 'The method is not allowed'],
  request_invalid: [400, 'The request is not valid'],
  request_timeout: [408, 'The request took too long'],
  headers_too_large: [431, 'The headers are too large'],
  internal: [500, 'An unexpected error'],
  unavailable: [503, 'The webhook cannot be stored now'],
  store_unavailable: [503, 'The store cannot answer now'],
} as const

export type ProblemCode = keyof typeof PROBLEMS

const NOT_STORED = 'The webhook was not stored. Send it again.'

/** The detail of a problem where the caller has nothing more particular to say. */
export const DETAILS: Record<ProblemCode, string> = {
  signature_missing: 'The headers svix-id, svix-timestamp and svix-signature are needed.',
  signature_malformed: 'A signature header has a form that the sender never gives it.',
  signature_mismatch: 'None of the configured secrets made this signature.',
  timestamp_out_of_range: 'The timestamp is more than five minutes off.',
  token_missing: 'Send the header "Authorization: Bearer TOKEN" with OPERATOR_TOKEN.',
  host_not_allowed:
    'Without a token the operator listener answers only where the Host header names this machine.',
  cross_site:
    'A page of another site may not do this. Use the page of this listener, or send no Origin header.',
  read_only: 'It takes OPERATOR_TOKEN to change something; OPERATOR_READ_TOKEN may only look.',
  still_configured: 'Only what a hook that is no longer configured holds can be discarded.',
  reconciliation_off: 'It takes SEAM_API_KEY to ask Seam.',
  reconciliation_failed: "Seam's API gave no usable answer. The log has more.",
  body_incomplete: 'The body ended before its content-length.',
  body_too_large: 'The body is larger than this relay takes.',
  rate_limited: 'Too many requests from this address.',
  not_found: 'Webhooks go to POST /webhooks/seam.',
  method_not_allowed: 'This address is for webhooks, which are posted.',
  request_invalid: 'The request cannot be read.',
  request_timeout: 'The request did not arrive whole in time.',
  headers_too_large: 'The headers are larger than this relay takes.',
  internal:
    'Something broke here; the log says what. If this was a webhook, it was not stored: send it again.',
  unavailable: NOT_STORED,
  store_unavailable: 'The store is busy or away. Ask again in a moment.',
}

/** A problem as it goes over the wire. Source: RFC 9457. */
export function problemDocument(code: ProblemCode, detail = DETAILS[code]): { status: number; body: string } {
  const [status, title] = PROBLEMS[code]
  const body = JSON.stringify({ type: `urn:seam-relay:problem:${code}`, title, status, code, detail })
  return { status, body }
}

export function sendProblem(reply: FastifyReply, code: ProblemCode, detail?: string): FastifyReply {
  const { status, body } = problemDocument(code, detail)
  return reply.code(status).type(PROBLEM_TYPE).send(body)
}
