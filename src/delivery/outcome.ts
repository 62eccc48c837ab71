import type { AttemptRecord } from '../store/store.ts'

/**
 * What came of one attempt. `refused`: the receiver answered 410 and wants this no more. `interrupted`: the relay
 * stopped or stood still before an answer came, which is nobody's failure. `cause`: the error, where the request could not be built.
 */
export type Outcome =
  | { kind: 'delivered'; record: AttemptRecord }
  | { kind: 'refused'; record: AttemptRecord }
  | { kind: 'failed'; record: AttemptRecord; retryAfterMs: number | null; cause?: Error }
  | { kind: 'interrupted'; record: AttemptRecord }

/** Why an attempt got no usable answer, or what was wrong with the one that it got. Stable: operators filter by it. */
export type ErrorCode =
  | 'timeout'
  | 'request_invalid'
  | 'dns_failed'
  | 'connection_refused'
  | 'connection_failed'
  | 'connection_reset'
  | 'tls_failed'
  | 'response_invalid'
  | 'response_incomplete'
  | 'redirect'
  | 'gone'
  | 'http_status'
  | 'interrupted'

/** The receiver's verdict is its status. What happens to the answer's body after that is noted, and changes nothing. */
export function outcomeOfAnswer(
  status: number,
  retryAfterMs: number | null,
  record: Omit<AttemptRecord, 'status'>,
): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered', record: { ...record, status } }
  if (status === 410) return { kind: 'refused', record: { ...record, status, errorCode: 'gone' } }
  const errorCode: ErrorCode = status >= 300 && status < 400 ? 'redirect' : 'http_status'
  return { kind: 'failed', record: { ...record, status, errorCode }, retryAfterMs }
}

/** The code for an error that the HTTP client raised. `answered`: the status had been read by then. */
export function errorCodeOf(error: unknown, answered: boolean): ErrorCode {
  const code = codeOf(error)
  if (code === 'ENOTFOUND' || code.startsWith('EAI_')) return 'dns_failed'
  // undici judges a request only when it is handed over.
  if (code === 'UND_ERR_INVALID_ARG') return 'request_invalid'
  if (code === 'ECONNREFUSED') return 'connection_refused'
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') return 'timeout'
  if (isBrokenHttp(error, code, answered)) return 'response_invalid'
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET')
    return answered ? 'response_incomplete' : 'connection_reset'
  if (TLS_CODES.test(code)) return 'tls_failed'
  return answered ? 'response_incomplete' : 'connection_failed'
}

/** OpenSSL's own, and its verdicts on certificates as Node names them. */
const TLS_CODES =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|ERROR_IN_C|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|EPROTO)/

/** A host of several addresses fails with all their errors at once; that one of them refused tells the most. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.some((one) => codeOf(one) === 'ECONNREFUSED'))
    return 'ECONNREFUSED'
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}

function isBrokenHttp(error: unknown, code: string, answered: boolean): boolean {
  if (code === 'UND_ERR_HEADERS_OVERFLOW' || code.startsWith('HPE_')) return true
  // Two lengths that contradict each other are no answer; a body of another length than announced is part of one.
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return !answered
  if (!(error instanceof Error)) return false
  // undici leaves out the parser's code. An end in the middle of a chunk is a broken connection, not broken HTTP.
  if (error.name === 'HTTPParserError') return !error.message.includes('Invalid EOF state')
  // It asserts that a status is at least 100, and calls a 100 or a 101 that nobody asked for bad.
  if (code === 'ERR_ASSERTION') return true
  return code === 'UND_ERR_SOCKET' && /^bad (response|upgrade)$/.test(error.message)
}
