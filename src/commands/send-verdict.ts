/** What is sent: a right webhook, one that fits no schema, or one with a signature that is not Seam's. */
export type Sent = 'right' | 'misfit' | 'forged'

export interface SendAnswer {
  status: number
  /** The answer's own word: `accepted`, or a problem's code. `null` if the body is not seam-relay's. */
  word: string | null
  /** A problem's explanation. */
  detail?: string
}

export interface Verdict {
  isWell: boolean
  meaning: string
}

/** What an answer means for the person who sent the webhook. */
export function verdictOf(sent: Sent, { status, word, detail }: SendAnswer): Verdict {
  if (word === null) {
    const meaning =
      status >= 300 && status < 400
        ? 'A redirect. Seam does not follow it: give it, and this command, the final URL.'
        : 'This is not an answer of seam-relay: something else is at this address, or a proxy in front of it answered. Look at the path, and at what the proxy does with it.'
    return { isWell: false, meaning }
  }
  if (sent === 'forged') return forgedVerdict(status, word, detail)
  if (word === 'ignored')
    return {
      isWell: true,
      meaning:
        'Verified, and ignored on purpose: ACCEPT_EVENT_TYPES does not name this type. It went to no hook.',
    }
  if (word === 'quarantined')
    return sent === 'misfit'
      ? {
          isWell: true,
          meaning: 'As it should be: kept in quarantine for a person to judge, and sent to no hook.',
        }
      : { isWell: false, meaning: 'It was quarantined, though it fits what this version knows.' }
  if (word === 'accepted')
    return sent === 'right'
      ? {
          isWell: true,
          meaning:
            'Verified and on disk. It goes to every hook that wants this type, as a sample (ids of all zeros).',
        }
      : { isWell: false, meaning: 'It was accepted, though a field is missing.' }
  return { isWell: false, meaning: problemMeaning(word, detail) }
}

function forgedVerdict(status: number, word: string, detail: string | undefined): Verdict {
  if (status === 401)
    return {
      isWell: true,
      meaning: 'As it should be: what Seam did not sign is refused, and nothing is kept.',
    }
  if (status >= 200 && status < 300)
    return {
      isWell: false,
      meaning: 'A webhook that Seam did not sign was taken. This address does not verify signatures.',
    }
  return { isWell: false, meaning: problemMeaning(word, detail) }
}

function problemMeaning(word: string, detail: string | undefined): string {
  switch (word) {
    case 'signature_mismatch':
      return 'That seam-relay has other secrets than the one used here. Compare SEAM_WEBHOOK_SECRET here and there; of several, --secret chooses.'
    case 'timestamp_out_of_range':
      return "This machine's clock and that of seam-relay are more than five minutes apart: set the clocks."
    case 'rate_limited':
      return 'Too many requests came from this address. Wait a minute, and send it again.'
    case 'not_found':
      return 'seam-relay answers there, and takes no webhooks at this URL: they go to the public listener, path /webhooks/seam.'
    case 'unavailable':
      return 'seam-relay cannot store anything now. Its GET /readyz says why; relay doctor looks further.'
    default:
      return detail ?? 'Not what it should be.'
  }
}
