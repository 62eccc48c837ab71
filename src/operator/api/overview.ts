import type { OperatorApp } from '../operator-app.ts'
import type { OperatorApiOptions } from './options.ts'
import { exactly } from './shapes/fields.ts'
import { Overview } from './shapes/overview.ts'

export function overviewRoutes(app: OperatorApp, { overview }: Pick<OperatorApiOptions, 'overview'>): void {
  app.get(
    '/api/overview',
    {
      schema: {
        tags: ['overview'],
        summary: 'Is anything lost or late, and must I act?',
        description:
          '`sentence` answers it in words, `verdict` in one word: `ok`, `attention`, `act`. `findings` are ranked by what they can cost: undelivered revocations first, because a door may be open. Each says since when, how many, and what to do.',
        querystring: exactly({}),
        response: { 200: Overview },
      },
    },
    async (request) => ({
      ...(await overview()),
      may: request.caller?.may ?? 'read',
      is_signed_in: request.caller !== null && request.caller.actor !== 'loopback',
    }),
  )
}
