import type { ErrorCode } from '../delivery/outcome.ts'

/** What a code of a failed delivery means, and what a person can do about it. */
export interface Advice {
  /** Goes on after "access-log: ". */
  meaning: string
  /** A sentence. Whether something is then to be replayed is said by whoever knows what was given up. */
  remedy: string
}

const CODES: Record<ErrorCode | 'discarded' | 'too_old', Advice> = {
  timeout: {
    meaning: 'it did not answer in time',
    remedy: 'Make it answer first and work afterwards, or raise its timeoutMs.',
  },
  request_invalid: {
    meaning: 'the request could not be built',
    remedy: 'Check its url and headers in the hooks file.',
  },
  dns_failed: {
    meaning: 'its host name could not be resolved',
    remedy: 'Check the host name in its url, and the name server of this machine.',
  },
  connection_refused: {
    meaning: 'nothing listens at its address',
    remedy: 'Start the receiver, or correct the port in its url.',
  },
  connection_failed: {
    meaning: 'no connection could be made',
    remedy: 'Check the network and the firewall between seam-relay and the receiver.',
  },
  connection_reset: {
    meaning: 'the connection broke before an answer came',
    remedy: 'Look into the log of the receiver, or of the proxy before it.',
  },
  tls_failed: {
    meaning: 'its certificate is bad, or TLS failed otherwise',
    remedy: 'Renew the certificate, or correct the host name in its url.',
  },
  response_invalid: {
    meaning: 'what it answered is not HTTP',
    remedy: 'Check that its url leads to the receiver and not to another program.',
  },
  response_incomplete: {
    meaning: 'its answer broke off',
    remedy: 'Look into the log of the receiver, or of the proxy before it.',
  },
  redirect: {
    meaning: 'it answered with a redirect, which is not followed',
    remedy: 'Put the final address into its url.',
  },
  gone: {
    meaning: 'it answered 410: it wants this no more',
    remedy: 'If that is a mistake, mend the receiver.',
  },
  http_status: {
    meaning: 'it answered with an error',
    remedy: 'See what it answered, and mend the receiver.',
  },
  interrupted: {
    meaning: 'seam-relay stopped in the middle of the attempt',
    remedy: "Nobody's failure: there is nothing to mend.",
  },
  discarded: {
    meaning: 'a person put it aside',
    remedy: 'Nothing, unless that was a mistake: then replay it.',
  },
  too_old: {
    meaning: 'it was found at Seam after the time in which it would have been delivered',
    remedy: 'Decide whether the receiver should still get it.',
  },
}

const UNKNOWN: Advice = {
  meaning: 'no reason was recorded',
  remedy: 'Look at its attempts.',
}

export function adviceOn(code: string | null): Advice {
  return code !== null && Object.hasOwn(CODES, code) ? CODES[code as keyof typeof CODES] : UNKNOWN
}
