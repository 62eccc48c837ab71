import type { RateLimitPluginOptions } from '@fastify/rate-limit'
import { clientAddress, networkOf } from '../ingest/client-address.ts'
import { RequestRefused } from './request-refused.ts'

/** Far more than five open pages and a script that polls ask. A script that has gone wrong asks more. */
const CALLS_PER_MINUTE = 6000

/** Calls of one address in a minute: past them, it leaves the store's reader to the others. */
export const callLimit: RateLimitPluginOptions = {
  max: CALLS_PER_MINUTE,
  timeWindow: 60_000,
  cache: 1000,
  keyGenerator: (request) => networkOf(clientAddress(request)),
  errorResponseBuilder: (_request, { ttl }) =>
    new RequestRefused(
      'rate_limited',
      `More than ${CALLS_PER_MINUTE} calls came from this address within a minute. Wait a little.`,
      Math.ceil(ttl / 1000),
    ),
}
