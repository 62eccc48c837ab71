import type { OperatorApp } from '../operator-app.ts'
import { withCauses } from '../refusal-cause.ts'
import type { OperatorApiOptions } from './options.ts'
import { Refusals } from './shapes/action.ts'
import { exactly } from './shapes/fields.ts'
import { timeText } from './times.ts'

export function refusalRoutes(
  app: OperatorApp,
  { recent, secrets }: Pick<OperatorApiOptions, 'recent' | 'secrets'>,
): void {
  app.get(
    '/api/refusals',
    {
      schema: {
        tags: ['records'],
        summary: 'List refused webhooks',
        description:
          'The last 200 that this process refused, each with the likely cause. Kept in memory, without bodies: they are forgotten at a restart, and each replica has its own.',
        querystring: exactly({}),
        response: { 200: Refusals },
      },
    },
    () => ({
      items: withCauses(recent.refusals(), secrets).map(({ refused: { at, code, address }, cause }) => ({
        at: timeText(at),
        code,
        address,
        text: cause,
      })),
      total: recent.refusedTotal,
    }),
  )
}
