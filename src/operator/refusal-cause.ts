import type { Refused } from '../ingest/recent-webhooks.ts'

export interface RefusalContext {
  /** How many secrets SEAM_WEBHOOK_SECRET holds. */
  secrets: number
  /** Refusals with the same code from the same address in the ten minutes before, this one included. */
  alike: number
}

/** The likely cause of a refusal, for a person who wonders why a webhook does not come through. */
export function likelyCause({ code, isKnownSender }: Refused, { secrets, alike }: RefusalContext): string {
  switch (code) {
    case 'signature_mismatch': {
      const signed = `signed, but by ${secrets === 1 ? 'another secret than yours' : `none of your ${secrets} secrets`}`
      if (isKnownSender)
        return `${signed}; ${alike} in 10 minutes from the address that also sends verified ones: is a second endpoint's secret missing in SEAM_WEBHOOK_SECRET?`
      return `${signed}: if this is Seam, copy the endpoint's secret from its console to SEAM_WEBHOOK_SECRET; a body that a proxy has changed looks the same`
    }
    case 'signature_missing':
      return 'without signature headers: not from Seam, or a proxy takes the svix-* headers away'
    case 'signature_malformed':
      return 'its signature headers have a form that Seam never gives them: not from Seam'
    case 'timestamp_out_of_range':
      return "signed more than five minutes ago or ahead: this machine's clock is wrong, a proxy held the request back, or somebody sends an old one again"
    case 'body_too_large':
      return 'larger than BODY_LIMIT_BYTES'
    case 'body_incomplete':
      return 'the connection broke before the body was whole'
    case 'rate_limited':
      return isKnownSender
        ? 'more requests in a minute than RATE_LIMIT_PER_MINUTE: Seam sends them again later'
        : 'too many requests, or too many failed verifications, in a minute from this address'
    case 'unavailable':
      return 'it could not be put on disk at that moment: Seam sends it again; the log says why'
    default:
      return 'the request could not be read'
  }
}

const TEN_MINUTES_MS = 600_000

/** Each refusal, in the order given, with what it has in common with others. */
export function withCauses(
  refusals: readonly Refused[],
  secrets: number,
): { refused: Refused; cause: string }[] {
  return refusals.map((refused) => {
    const { at, address, code } = refused
    const alike = refusals.filter(
      (one) => one.address === address && one.code === code && one.at <= at && one.at > at - TEN_MINUTES_MS,
    ).length
    return { refused, cause: likelyCause(refused, { secrets, alike }) }
  })
}
