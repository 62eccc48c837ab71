import { maskPins } from '../../events/mask.ts'
import type { ActionLog } from '../action-log.ts'
import type { OperatorApp } from '../operator-app.ts'
import { RequestRefused } from '../request-refused.ts'
import { deliveryView, eventFields, eventView } from './event-view.ts'
import type { OperatorApiOptions } from './options.ts'
import { pageRequest } from './paging.ts'
import { EventDetail, EventsPage, EventsQuery, RevealQuery } from './shapes/event.ts'
import { Id, exactly } from './shapes/fields.ts'
import { spanOf, timeOrNull } from './times.ts'

export function eventRoutes(
  app: OperatorApp,
  { reader }: Pick<OperatorApiOptions, 'reader'>,
  actions: ActionLog,
): void {
  app.get(
    '/api/events',
    {
      schema: {
        tags: ['events'],
        summary: 'List events',
        description:
          'The newest first, each with the states of its deliveries. Where a filter has no index, a page looks at a bounded number of events: it may be short or empty, says how far back it looked (`searched_back_to`), and its `cursor` goes on from there.',
        querystring: EventsQuery,
        response: { 200: EventsPage },
      },
    },
    async ({ query }) => {
      const { type, credential, workspace } = query
      const page = await reader.listEvents({
        ...pageRequest(query),
        ...spanOf(query),
        ...(type === undefined ? {} : { type }),
        ...(credential === undefined ? {} : { credentialId: credential.toLowerCase() }),
        ...(workspace === undefined ? {} : { workspaceId: workspace.toLowerCase() }),
      })
      return {
        items: page.items.map(eventView),
        cursor: page.next,
        searched_back_to: timeOrNull(page.searchedBackTo),
      }
    },
  )

  app.get(
    '/api/events/:event_id',
    {
      schema: {
        tags: ['events'],
        summary: 'Show an event',
        description:
          'By its `event_id` or its `webhook-id`: its payload, its deliveries, and every attempt. `reveal=true` shows PINs and is kept in the action log.',
        params: exactly({ event_id: Id }),
        querystring: RevealQuery,
        response: { 200: EventDetail },
      },
    },
    async (request, reply) => {
      const event = await reader.findEvent(request.params.event_id)
      if (event === null)
        throw new RequestRefused('not_found', 'No event has this id, or it is no longer kept.')
      const isRevealed = request.query.reveal === true
      if (isRevealed) await actions.before(request, 'reveal', event.webhookId)
      const { text, masked } = isRevealed
        ? { text: event.body, masked: [] }
        : maskPins(event.body, event.eventType)
      const detail = {
        ...eventFields(event),
        masked,
        deliveries: event.deliveries.map((delivery) => deliveryView(delivery, event)),
      }
      // The payload is put in as it came: parsing and writing it again would change large numbers.
      const json = `${JSON.stringify(detail).slice(0, -1)},"payload":${text}}`
      return reply
        .type('application/json; charset=utf-8')
        .serializer(String)
        .send(json as never)
    },
  )
}
