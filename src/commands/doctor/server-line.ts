import { span } from '../amount.ts'
import { whyUnreached } from '../unreached.ts'
import type { Line } from './line.ts'
import { look, ok, wrong } from './line.ts'
import type { Certificate, Reached } from './reach.ts'

/** Time enough to renew it by hand. */
const SOON_MS = 14 * 86_400_000

/**
 * What is to be said of a server that seam-relay calls.
 * @param now milliseconds since 1970
 */
export function serverLine(about: string, url: URL, reached: Reached, now: number): Line {
  // Without path and query, which may hold a key.
  const where = url.origin
  if (reached.kind === 'unreached') return unreachedLine(about, url, reached.error)
  const { certificate } = reached
  if (certificate !== null && certificate.problem !== null)
    return certificateLine(about, where, certificate, now)
  if (reached.kind === 'connected') {
    const advice = `Look at what listens there, and whether the URL should begin with ${other(url)}.`
    return wrong(about, `${where} takes the connection, and then: ${whyUnreached(reached.error)}`, advice)
  }
  const expiresInMs = certificate === null ? null : certificate.expiresAt - now
  if (expiresInMs !== null && expiresInMs < SOON_MS) {
    const text = `${where} answers; its certificate expires in ${span(expiresInMs)}`
    return look(about, text, 'Have it renewed: after that, deliveries fail with tls_failed.')
  }
  if (certificate === null || expiresInMs === null) return ok(about, `${where} answers`)
  const valid = Number.isNaN(expiresInMs) ? '' : ` for ${span(expiresInMs)}`
  return ok(about, `${where} answers; its certificate is good${valid}`)
}

function unreachedLine(about: string, url: URL, error: unknown): Line {
  const text = `${url.origin} cannot be reached: ${whyUnreached(error)}`
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EPROTO' || (code ?? '').startsWith('ERR_SSL_'))
    return wrong(about, text, `Does it speak TLS? If not, the URL begins with ${other(url)}.`)
  if (code === 'ENOTFOUND' || (code ?? '').startsWith('EAI_'))
    return wrong(about, text, "Correct the name in the URL, or this machine's name service (DNS).")
  return wrong(about, text, 'Start it, or correct the URL; or let this machine reach it (firewall, network).')
}

function certificateLine(
  about: string,
  where: string,
  { problem, expiresAt }: Certificate,
  now: number,
): Line {
  const [text, advice] = certificateProblem(problem ?? '', expiresAt - now)
  return wrong(about, `${where}: ${text} (${problem}), so every delivery fails with tls_failed`, advice)
}

function certificateProblem(problem: string, expiresInMs: number): [text: string, advice: string] {
  switch (problem) {
    case 'CERT_HAS_EXPIRED':
      return [
        `its certificate expired ${span(expiresInMs)} ago`,
        'Have it renewed; or, if it has been, set the clock here.',
      ]
    case 'CERT_NOT_YET_VALID':
      return ['its certificate is not valid yet', 'Compare the clocks of the two machines.']
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return ['its certificate is for another name', 'Use the name in the URL that the certificate is for.']
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return [
        'nobody whom Node trusts has signed its certificate',
        'Have the server send its whole chain; or name your own authority in NODE_EXTRA_CA_CERTS, here and for seam-relay.',
      ]
    default:
      return ['its certificate is refused', 'Have a certificate made for it that browsers accept, too.']
  }
}

function other(url: URL): string {
  return url.protocol === 'https:' ? 'http:' : 'https:'
}
