import type { FastifyHelmetOptions } from '@fastify/helmet'

/** For what is no page: it may load nothing and be shown nowhere. */
const NOTHING = {
  'default-src': ["'none'"],
  'frame-ancestors': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
}

/**
 * What a browser is told with every answer.
 * @param pagePolicy the content security policy that the page needs, by directive
 */
export function securityHeaders(pagePolicy: Record<string, string[]> = NOTHING): FastifyHelmetOptions {
  return {
    // Helmet's own defaults allow inline styles, and change http: to https:, which this listener does not speak.
    contentSecurityPolicy: { useDefaults: false, directives: pagePolicy },
    // A proxy that does the TLS may send it; over plain HTTP it means nothing.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
  }
}
