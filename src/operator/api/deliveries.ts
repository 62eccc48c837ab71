import type { FailureGroup } from '../../store/listings.ts'
import { adviceOn } from '../failure-advice.ts'
import type { OperatorApp } from '../operator-app.ts'
import { deliveryStateView } from './event-view.ts'
import type { OperatorApiOptions } from './options.ts'
import { pageRequest } from './paging.ts'
import { DeliveriesPage, DeliveriesQuery, Failures } from './shapes/event.ts'
import { exactly } from './shapes/fields.ts'
import { timeOrNull, timeText } from './times.ts'
import { requireKnownHook } from './unknown-hook.ts'

export function deliveryRoutes(
  app: OperatorApp,
  { reader, hooks }: Pick<OperatorApiOptions, 'reader' | 'hooks'>,
): void {
  app.get(
    '/api/deliveries',
    {
      schema: {
        tags: ['deliveries'],
        summary: 'List deliveries',
        description:
          'One event for one hook is a delivery. `code` is the code of its last failure. A page may be short and say how far back it looked, as with events.',
        querystring: DeliveriesQuery,
        response: { 200: DeliveriesPage },
      },
    },
    async ({ query }) => {
      const { state, hook, code } = query
      const page = await reader.listDeliveries({
        ...pageRequest(query),
        ...(state === undefined ? {} : { state }),
        ...(hook === undefined ? {} : { hook }),
        ...(code === undefined ? {} : { code }),
      })
      if (hook !== undefined && page.items.length === 0 && query.cursor === undefined)
        await requireKnownHook(hook, { hooks, reader })
      return {
        items: page.items.map((item) => ({
          event_id: item.eventId,
          webhook_id: item.webhookId,
          event_type: item.eventType,
          credential_id: item.credentialId,
          accepted_at: timeText(item.acceptedAt),
          ...deliveryStateView(item),
        })),
        cursor: page.next,
        searched_back_to: timeOrNull(page.searchedBackTo),
      }
    },
  )

  app.get(
    '/api/failures',
    {
      schema: {
        tags: ['deliveries'],
        summary: 'List failures, grouped',
        description:
          'What is dead, and what is pending and has failed, by hook and code of its last failure: each group with what the code means and what to do. A group can be replayed as one.',
        querystring: exactly({}),
        response: { 200: Failures },
      },
    },
    async () => {
      const groups = await reader.failures()
      const configured = new Set(hooks().map(({ name }) => name))
      return {
        items: groups.map(({ hook, code, dead, pending, since, isComplete }) => ({
          hook,
          code,
          dead,
          pending,
          since: timeText(since),
          is_complete: isComplete,
          text: failureText({ hook, code, dead }),
          is_configured: configured.has(hook),
        })),
      }
    },
  )
}

function failureText({ hook, code, dead }: Pick<FailureGroup, 'hook' | 'code' | 'dead'>): string {
  const { meaning, remedy } = adviceOn(code)
  const deadLetters = dead === 1 ? 'the dead letter' : 'the dead letters'
  const wayOut = dead > 0 ? `Then replay ${deadLetters}.` : 'It is tried again by itself.'
  return `${hook}: ${meaning}. ${remedy} ${wayOut}`
}
