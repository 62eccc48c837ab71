import { ActivityFeed } from '../activity-feed.ts'
import { ActivityStream } from '../activity-stream.ts'
import type { OperatorApp } from '../operator-app.ts'
import { RequestRefused } from '../request-refused.ts'
import type { OperatorApiOptions } from './options.ts'
import { exactly } from './shapes/fields.ts'

/** A page takes one for each tab. */
const MAX_STREAMS = 50
const RETRY_S = 10

/**
 * What happens, as server-sent events. Written without a library: the ones there are set timers of their own and buffer without
 * bound for a connection that does not read.
 */
export function streamRoutes(
  app: OperatorApp,
  { reader, clock, log }: Pick<OperatorApiOptions, 'reader' | 'clock' | 'log'>,
): void {
  const feed = new ActivityFeed({ reader, clock, log })
  const streams = new Set<ActivityStream>()
  app.addHook('preClose', async () => {
    for (const stream of streams) stream.destroy()
    await feed.stop()
  })

  app.get(
    '/api/stream',
    {
      schema: {
        tags: ['overview'],
        summary: 'Follow what happens',
        description:
          'Server-sent events, over all replicas, about a second behind: each message is an object with `kind` (`accepted`, `quarantined`, `delivered`, `failed`, `dead`), `at`, `id`, `event_type`, `hook` and `code`, and never a payload. With `Last-Event-ID`, as a browser sends it, it goes on from there. An event `gap` says that something in between is not told; the lists have it. At a sign-in’s end the stream ends.',
        querystring: exactly({}),
        produces: ['text/event-stream'],
      },
    },
    async (request, reply) => {
      requireRoom(streams.size)
      const lastId = request.headers['last-event-id']
      const newest = await feed.newest()
      // Asked again: others may have come while the store was asked.
      requireRoom(streams.size)
      const isNumber = typeof lastId === 'string' && /^\d{1,15}$/.test(lastId)
      const position = isNumber ? Number(lastId) : newest
      const stream = new ActivityStream({ position, until: request.caller?.until ?? null, clock })
      // An id of another kind is one of something else: whatever came in between, we cannot tell.
      if (lastId !== undefined && !isNumber) stream.tellGap(newest)
      streams.add(stream)
      feed.add(stream)
      const end = () => {
        streams.delete(stream)
        feed.remove(stream)
      }
      stream.once('close', end)
      return reply
        .type('text/event-stream; charset=utf-8')
        .header('x-accel-buffering', 'no')
        .send(stream as never)
    },
  )
}

function requireRoom(open: number): void {
  if (open < MAX_STREAMS) return
  throw new RequestRefused('rate_limited', `${MAX_STREAMS} streams are open already. Close one.`, RETRY_S)
}
