import { isLoopback } from '../config/environment.ts'

/** A name or an IPv4 address, or an IPv6 address in brackets; then perhaps a port, which may be any: people tunnel. */
const HOST_SHAPE = /^(?:\[(?<v6>[0-9a-f]*:[0-9a-f:.]*)\]|(?<name>[a-z0-9._-]+))(?::[0-9]{0,5})?$/i
/** `GET http://HOST/path HTTP/1.1`, as a proxy is asked. Its host counts, by RFC 9112, and not that of the header. */
const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/(?<authority>[^/?#]*)/i

export interface RequestTarget {
  /** As it stood in the request's first line. */
  url: string
  /** Names and values in turn, as Node gives them: with every repetition. */
  rawHeaders: readonly string[]
}

/**
 * Whether a request meant this listener, where no token protects it. A page that a browser was led to can have its own name
 * resolved to 127.0.0.1 (DNS rebinding) and then reach whatever listens there; the browser still sends that name as `Host`. So
 * every host that the request names has to be loopback or the address that the listener was given.
 */
export function namesThisHost({ url, rawHeaders }: RequestTarget, operatorHost: string): boolean {
  const hosts = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'host')
  // None or two: nobody can tell which one a proxy or a browser went by.
  if (hosts.length !== 1) return false
  if (!url.startsWith('/') && url !== '*') {
    const authority = ABSOLUTE_FORM.exec(url)?.groups?.['authority']
    if (authority === undefined) return false
    hosts.push(authority)
  }
  return hosts.every((host) => isAllowed(host, operatorHost))
}

function isAllowed(host: string, operatorHost: string): boolean {
  const { v6, name } = HOST_SHAPE.exec(host)?.groups ?? {}
  const hostname = (v6 ?? name ?? '').toLowerCase()
  if (hostname === '') return false
  return isLoopback(hostname) || hostname === operatorHost.toLowerCase()
}
