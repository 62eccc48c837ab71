/** Why Seam's API gave no usable answer. Stable: people filter by it. */
export type ApiFailureCode =
  | 'unauthorized'
  | 'rate_limited'
  | 'server_error'
  | 'refused'
  | 'redirect'
  | 'timeout'
  | 'unreachable'
  | 'too_large'
  | 'misfit'
  | 'stopped'

export interface ApiFailure {
  code: ApiFailureCode
  /** The HTTP status, `null` where none came. */
  status: number | null
  /** How long Seam asks to be left alone, in milliseconds; `null` where it does not say. */
  retryAfterMs: number | null
}

/** What is wrong and what to do, in one sentence each. It never holds the key, nor anything of the answer. */
export function failureText(code: string): string {
  switch (code) {
    case 'unauthorized':
      return 'Seam refuses the API key: it was revoked, or is mistyped. Make a new one in Seam Console and put it into SEAM_API_KEY.'
    case 'rate_limited':
      return "Seam's API says that it was asked too often. It is asked again later; if this stays, raise RECONCILE_INTERVAL_S."
    case 'server_error':
      return "Seam's API failed. It is asked again later; if this stays, look at Seam's status page."
    case 'refused':
      return "Seam's API refuses the question. Check that SEAM_API_URL is right; if it is, look for a newer seam-relay."
    case 'redirect':
      return "Seam's API answered with a redirect, which is not followed, because the key would go along. Check SEAM_API_URL."
    case 'timeout':
      return "Seam's API did not answer in time. It is asked again later; if this stays, check the way from here to SEAM_API_URL."
    case 'unreachable':
      return "Seam's API cannot be reached. Check SEAM_API_URL, name resolution, and whether a firewall lets the relay out."
    case 'too_large':
      return "Seam's API answered with more than the relay reads at once. Look for a newer seam-relay."
    case 'misfit':
      return "Seam's API answered with something that is not what it documents. Check SEAM_API_URL; if it is right, look for a newer seam-relay."
    case 'stopped':
      return 'The relay is stopping.'
    case 'duplicate_key':
      return 'Two keys in SEAM_API_KEY belong to one workspace. Keep one of them.'
    case 'wrong_workspace':
      return "Seam's API listed events of another workspace than the key's. Nothing of that was taken in. Check SEAM_API_KEY and SEAM_API_URL."
    case 'store_failing':
      return 'The store could not be written. What Seam told is asked for again once it can be.'
    case 'taken_over':
      return 'Another replica reconciles now.'
    default:
      return 'Reconciliation failed. The log has more.'
  }
}
