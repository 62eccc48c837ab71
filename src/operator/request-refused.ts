import type { ProblemCode } from '../http/problem.ts'

/** Ends a request with this problem. Its message goes to the caller, so it never carries a secret or a payload. */
export class RequestRefused extends Error {
  readonly code: ProblemCode
  readonly retryAfterSeconds: number | null

  constructor(code: ProblemCode, message: string, retryAfterSeconds: number | null = null) {
    super(message)
    this.name = 'RequestRefused'
    this.code = code
    this.retryAfterSeconds = retryAfterSeconds
  }
}
