import { isUtf8 } from 'node:buffer'
import { eventTypeIn, maskPins } from '../../events/mask.ts'
import type { QuarantineSummary } from '../../store/listings.ts'
import type { ActionLog } from '../action-log.ts'
import { judgeAgain } from '../judge-again.ts'
import type { OperatorApp } from '../operator-app.ts'
import { RequestRefused } from '../request-refused.ts'
import type { OperatorApiOptions } from './options.ts'
import { pageRequest } from './paging.ts'
import { Dropped, JudgedAgain, QuarantineDetail, QuarantinePage } from './shapes/action.ts'
import { RevealQuery } from './shapes/event.ts'
import { Id, exactly, pageQuery } from './shapes/fields.ts'
import { timeText } from './times.ts'

const params = exactly({ id: Id })

export function quarantineRoutes(
  app: OperatorApp,
  options: Pick<OperatorApiOptions, 'reader' | 'store' | 'receive' | 'acceptEventTypes'>,
  actions: ActionLog,
): void {
  const { reader, store } = options
  app.get(
    '/api/quarantine',
    {
      schema: {
        tags: ['quarantine'],
        summary: 'List what is in quarantine',
        description:
          'Bodies that Seam signed and that fit no schema, or whose `event_id` is known with other content.',
        querystring: exactly(pageQuery),
        response: { 200: QuarantinePage },
      },
    },
    async ({ query }) => {
      const page = await reader.listQuarantine(pageRequest(query))
      return { items: page.items.map(summaryView), cursor: page.next }
    },
  )

  app.get(
    '/api/quarantine/:id',
    {
      schema: {
        tags: ['quarantine'],
        summary: 'Show a body and its problems',
        description: '`reveal=true` shows PINs and is kept in the action log.',
        params,
        querystring: RevealQuery,
        response: { 200: QuarantineDetail },
      },
    },
    async (request) => {
      const one = await find(request.params.id)
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(one.body)
      const isRevealed = request.query.reveal === true
      if (isRevealed) await actions.before(request, 'reveal', one.id)
      const shown = isRevealed ? { text, masked: [] } : maskPins(text, eventTypeIn(text))
      return { ...summaryView(one), body: shown.text, is_utf8: isUtf8(one.body), masked: shown.masked }
    },
  )

  app.post(
    '/api/quarantine/:id/retry',
    {
      schema: {
        tags: ['quarantine'],
        summary: 'Judge a body again',
        description:
          "By today's schemas and settings. `accepted`, `duplicate` and `ignored` take it out of quarantine; `quarantined` means that it stays, for the problems that are answered.",
        params,
        querystring: exactly({}),
        body: exactly({}),
        response: { 200: JudgedAgain },
      },
    },
    async (request) => {
      const one = await find(request.params.id)
      const { status, eventId, problems } = await judgeAgain(one, options)
      await actions.after(request, 'judge_again', one.id, { status, event_id: eventId })
      return { status, event_id: eventId, problems: [...problems] }
    },
  )

  app.delete(
    '/api/quarantine/:id',
    {
      schema: {
        tags: ['quarantine'],
        summary: 'Drop a body',
        description: 'It is deleted, and cannot be had back. `dropped` is false where it was gone already.',
        params,
        querystring: exactly({}),
        body: exactly({}),
        response: { 200: Dropped },
      },
    },
    async (request) => {
      const { id } = request.params
      const dropped = await store.dropQuarantined(id)
      if (dropped) await actions.after(request, 'drop_quarantined', id)
      return { dropped }
    },
  )

  async function find(id: string) {
    const one = await reader.findQuarantined(id)
    if (one === null) throw new RequestRefused('not_found', 'Nothing in quarantine has this id (any more).')
    return one
  }
}

function summaryView(one: QuarantineSummary) {
  return {
    id: one.id,
    message_id: one.messageId,
    received_at: timeText(one.receivedAt),
    last_seen_at: timeText(one.lastSeenAt),
    times_seen: one.timesSeen,
    problems: [...one.problems],
  }
}
