import type { Hook } from '../../config/hook.ts'
import type { SearchHit } from '../../store/listings.ts'
import type { OperatorApp } from '../operator-app.ts'
import type { OperatorApiOptions } from './options.ts'
import { SearchQuery, SearchResult } from './shapes/event.ts'
import { timeText } from './times.ts'

export function searchRoutes(
  app: OperatorApp,
  { reader, hooks }: Pick<OperatorApiOptions, 'reader' | 'hooks'>,
): void {
  app.get(
    '/api/search',
    {
      schema: {
        tags: ['events'],
        summary: 'Find what an id belongs to',
        description:
          'Whatever id is pasted: of an event, a message, a credential, a workspace, an access system, a connected account, a quarantined body or a replay. Whole ids only; payloads are not searched.',
        querystring: SearchQuery,
        response: { 200: SearchResult },
      },
    },
    async ({ query }) => {
      const hits = await reader.search(query.q.trim())
      return {
        items: hits.map((hit) => ({
          kind: hit.kind,
          id: hit.id,
          text: textOf(hit, hooks()),
          href: hrefOf(hit),
        })),
      }
    },
  )
}

function textOf(hit: SearchHit, hooks: readonly Hook[]): string {
  switch (hit.kind) {
    case 'event':
      return `${hit.eventType}, accepted ${timeText(hit.acceptedAt)}`
    case 'credential':
      return hit.events === 1
        ? 'a credential with one event'
        : `a credential with ${countText(hit.events)} events`
    case 'workspace':
      return 'a workspace: its events'
    case 'system':
      return `an access system; ${takenBy(hooks.filter(({ systems }) => wants(systems, hit.id)))}`
    case 'account':
      return `a connected account; ${takenBy(hooks.filter(({ accounts }) => wants(accounts, hit.id)))}`
    case 'quarantine':
      return `a quarantined body, received ${timeText(hit.receivedAt)}`
    case 'replay':
      return 'a replay'
  }
}

/** No list is by these, so it is said in words which hooks name it. */
function takenBy(hooks: readonly Hook[]): string {
  if (hooks.length === 0) return 'no hook filters by it'
  return `filtered by: ${hooks.map(({ name }) => name).join(', ')}`
}

function wants(ids: readonly string[] | undefined, id: string): boolean {
  return ids?.some((one) => one.toLowerCase() === id.toLowerCase()) ?? false
}

/** The reader stops counting at a thousand. */
function countText(events: number): string {
  return events >= 1000 ? '1000 or more' : String(events)
}

/** Where the page shows it. The id came from outside, so it is encoded. */
function hrefOf({ kind, id }: SearchHit): string {
  const encoded = encodeURIComponent(id)
  switch (kind) {
    case 'event':
      return `#/events/${encoded}`
    case 'credential':
      return `#/credentials/${encoded}`
    case 'workspace':
      return `#/events?workspace=${encoded}`
    case 'quarantine':
      return `#/quarantine/${encoded}`
    case 'replay':
      return `#/replays/${encoded}`
    // No list is by these: the hooks that take their events are listed there.
    case 'system':
    case 'account':
      return '#/hooks'
  }
}
