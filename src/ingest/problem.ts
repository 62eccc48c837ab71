import type { FastifyReply } from 'fastify'

/** Everything that a listener can answer besides success, with its status and title. */
const PROBLEMS = {
  signature_missing: [401, 'The signature is missing'],
  signature_malformed: [401, 'The signature headers are malformed'],
  signature_mismatch: [401, 'The signature does not match'],
  timestamp_out_of_range: [401, 'The timestamp is out of range'],
  token_missing: [401, 'The operator token is missing or wrong'],
  body_incomplete: [400, 'The body did not arrive whole'],
  body_too_large: [413, 'The body is too large'],
  rate_limited: [429, 'Too many requests'],
  not_found: [404, 'Nothing is here'],
  method_not_allowed: [405, 'The method is not allowed'],
  request_invalid: [400, 'The request is not valid HTTP'],
  internal: [500, 'An unexpected error'],
  unavailable: [503, 'The webhook cannot be stored now'],
} as const

export type ProblemCode = keyof typeof PROBLEMS

/** Answers with a problem document. Source: RFC 9457. */
export function sendProblem(reply: FastifyReply, code: ProblemCode, detail: string): FastifyReply {
  const [status, title] = PROBLEMS[code]
  return reply
    .code(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: `urn:seam-relay:problem:${code}`, title, status, code, detail }))
}
