import { errorCodeOf } from '../delivery/outcome.ts'
import { CommandError } from './command-error.ts'

/** Why no answer came, in words. */
export function whyUnreached(error: unknown): string {
  switch (errorCodeOf(error, false)) {
    case 'dns_failed':
      return 'its name is not known to the name service'
    case 'connection_refused':
      return 'nothing listens there'
    case 'timeout':
      return 'no answer came in time'
    case 'connection_reset':
      return 'the connection broke before an answer came'
    case 'tls_failed':
      return `the TLS handshake failed (${codeOf(error)})`
    case 'response_invalid':
      return 'what answers there does not speak HTTP'
    case 'request_invalid':
    case 'connection_failed':
    case 'response_incomplete':
    case 'redirect':
    case 'gone':
    case 'http_status':
    case 'interrupted':
      return `no connection (${codeOf(error)})`
  }
}

/** An address that a command asked, and that gave no answer. */
export function unreached(url: string, error: unknown, option: '--to' | '--url'): CommandError {
  const isNobody = errorCodeOf(error, false) === 'connection_refused'
  return new CommandError({
    code: 'unreached',
    message: isNobody ? `nothing listens at ${url}` : `${url} cannot be reached: ${whyUnreached(error)}`,
    advice: `Is seam-relay running? If it is elsewhere, name its address with ${option}.`,
    cause: error,
  })
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}
