import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { VERSION } from '../version.ts'

/** The description of all calls, made from the schemas that judge the requests. The calls themselves are told where they are added. */
export const openapiOptions: FastifyDynamicSwaggerOptions = {
  hideUntagged: true,
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'seam-relay',
      version: VERSION,
      description: `The operator listener of seam-relay: what it holds, what became of it, and what a person can do about it.

- Lists are newest first. \`limit\` is 50, and at most 500; \`cursor\` goes on where the page before ended, whatever has come in since.
- Times are ISO 8601 in UTC. Spans end in \`_ms\` and are milliseconds.
- An unknown query parameter or field is refused with \`request_invalid\`, and nothing is done.
- What goes wrong is answered as a problem (RFC 9457, \`application/problem+json\`). Tell problems apart by \`code\`.
- PINs in payloads are masked, unless a call asks for them with \`reveal=true\`, which the action log keeps.`,
    },
    tags: [
      { name: 'session', description: 'Sign in and out' },
      { name: 'overview', description: 'Is anything lost or late, and what to do' },
      { name: 'events', description: 'What came, and what became of it' },
      { name: 'deliveries', description: 'What each hook has got, and what failed' },
      { name: 'replays', description: 'Sending again, and giving up' },
      { name: 'hooks', description: 'The services that get events' },
      { name: 'quarantine', description: 'Signed bodies that could not be taken in' },
      { name: 'records', description: 'What was refused, and what people did' },
      { name: 'reconciliation', description: "Comparing with Seam's own list" },
    ],
    security: [{ token: [] }, { session: [] }],
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'OPERATOR_TOKEN, or OPERATOR_READ_TOKEN, which changes nothing. Without a token set, none is needed.',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'seam_relay_session',
          description: 'From POST /session.',
        },
      },
    },
  },
}
