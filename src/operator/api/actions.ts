import type { OperatorApp } from '../operator-app.ts'
import type { OperatorApiOptions } from './options.ts'
import { pageRequest } from './paging.ts'
import { ActionsPage } from './shapes/action.ts'
import { exactly, pageQuery } from './shapes/fields.ts'
import { timeText } from './times.ts'

export function actionRoutes(app: OperatorApp, { reader }: Pick<OperatorApiOptions, 'reader'>): void {
  app.get(
    '/api/actions',
    {
      schema: {
        tags: ['records'],
        summary: 'List what people did',
        description:
          'Everything that changed something, and every look at a PIN: when, what, and with which token. `actor` is `operator`, `reader`, or `loopback` where no token is set.',
        querystring: exactly(pageQuery),
        response: { 200: ActionsPage },
      },
    },
    async ({ query }) => {
      const { items, next } = await reader.listActions(pageRequest(query))
      return {
        items: items.map(({ number, at, actor, action, target, about }) => ({
          number,
          at: timeText(at),
          actor,
          action,
          target,
          about: { ...about },
        })),
        cursor: next,
      }
    },
  )
}
