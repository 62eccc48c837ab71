/** What to do about a problem that the operator listener answered, where its own detail does not say it for a terminal. */
export function problemAdvice(code: string): string | undefined {
  switch (code) {
    case 'token_missing':
      return 'Set OPERATOR_TOKEN here to the token that this seam-relay was started with.'
    case 'read_only':
      return 'The read token changes nothing: set OPERATOR_TOKEN here to the other one.'
    case 'host_not_allowed':
      return 'Name it with --url by 127.0.0.1, or give it an OPERATOR_TOKEN.'
    case 'rate_limited':
      return 'Wait a minute, and try again.'
    case 'store_unavailable':
      return 'Try again; relay doctor looks at the store.'
    default:
      return undefined
  }
}
