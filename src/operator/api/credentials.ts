import type { OperatorApp } from '../operator-app.ts'
import { RequestRefused } from '../request-refused.ts'
import { deliveryView, eventFields } from './event-view.ts'
import { knownTo } from './known-to.ts'
import type { OperatorApiOptions } from './options.ts'
import { CredentialStory } from './shapes/event.ts'
import { Id, exactly } from './shapes/fields.ts'
import { timeOrNull } from './times.ts'

/** A credential has a few events. One that has more is shown by its newest. */
const MAX_EVENTS = 200

export function credentialRoutes(app: OperatorApp, { reader }: Pick<OperatorApiOptions, 'reader'>): void {
  app.get(
    '/api/credentials/:id',
    {
      schema: {
        tags: ['events'],
        summary: "Tell a credential's story",
        description:
          'Every event about it, in the order in which it occurred at Seam, with the attempts of each hook, and what each hook knows of it since when. The id is the `acs_credential_id`, or for an event that names none, its `access_method_id` or `access_grant_id`.',
        params: exactly({ id: Id }),
        querystring: exactly({}),
        response: { 200: CredentialStory },
      },
    },
    async ({ params }) => {
      const id = params.id.toLowerCase()
      // One more than is shown tells whether there are older ones.
      const found = await reader.storyOf(id, MAX_EVENTS + 1)
      if (found.length === 0) throw new RequestRefused('not_found', 'No event about this credential is kept.')
      const events = found.slice(-MAX_EVENTS)
      return {
        credential_id: id,
        events: events.map((event) => ({
          ...eventFields(event),
          deliveries: event.deliveries.map((delivery) => deliveryView(delivery, event)),
        })),
        known_to: knownTo(events).map((known) => ({
          hook: known.hook,
          event_id: known.event?.eventId ?? null,
          event_type: known.event?.eventType ?? null,
          known_since: timeOrNull(known.since),
          after_seam_ms: known.afterSeamMs,
          missing: known.missing,
        })),
        is_complete: found.length <= MAX_EVENTS,
      }
    },
  )
}
