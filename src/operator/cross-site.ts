import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether a browser says that another site's page made this request. Another port of the same machine is another site
 * for this, too. What says nothing, such as curl, is no browser that could have been led to it.
 * Source: Fetch Metadata (`Sec-Fetch-Site`), and `Origin` where a browser sends no such header, as over plain HTTP.
 */
export function isCrossSite({ 'sec-fetch-site': site, origin, host }: IncomingHttpHeaders): boolean {
  // `none`: the person typed the address, or an extension of the browser asks.
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  if (origin === undefined) return false
  // Only the hosts are compared: a proxy that does the TLS makes `https` into `http`, and keeps the host.
  return hostOf(origin) !== host?.toLowerCase()
}

/** `null` for what is no origin, such as `null`, which a sandboxed frame sends. */
function hostOf(origin: string): string | null {
  return /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]?.toLowerCase() ?? null
}
