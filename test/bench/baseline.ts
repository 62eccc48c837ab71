import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { Webhook } from 'svix'
import { Pool } from 'undici'
import { judge } from '../../src/events/judge.ts'

// What seam-relay is compared with, as a process of its own. It keeps nothing on disk.
//   without a forward URL: verifies, parses and judges, and answers
//   with one: verifies, remembers ids in a Set, and answers when the one forward, signed like ours, has succeeded.
//   It forwards by fetch, as one would begin, or by the client that seam-relay uses, with a pool of connections.

const secret = process.env['BENCH_SECRET'] as string
const forwardUrl = process.env['BENCH_FORWARD_URL']
const webhook = new Webhook(secret)
const app = fastify()
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

if (forwardUrl === undefined) {
  app.post('/webhooks/seam', async (request, reply) => {
    const body = request.body as Buffer
    webhook.verify(body, request.headers as Record<string, string>)
    const judgement = judge(body, ['acs_credential.*'])
    if (judgement.kind !== 'event') return reply.code(500).send()
    return reply.code(202).send({ status: 'accepted', event_id: judgement.event.eventId })
  })
} else {
  const forward = process.env['BENCH_FORWARD_BY'] === 'pool' ? byPool(forwardUrl) : byFetch(forwardUrl)
  const known = new Set<string>()
  app.post('/webhooks/seam', async (request, reply) => {
    const body = request.body as Buffer
    webhook.verify(body, request.headers as Record<string, string>)
    const { event_id } = JSON.parse(body.toString()) as { event_id: string }
    if (known.has(event_id)) return reply.code(200).send({ status: 'duplicate', event_id })
    known.add(event_id)
    const now = new Date()
    const status = await forward(body, {
      'content-type': 'application/json',
      'webhook-id': event_id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': webhook.sign(event_id, now, body),
    })
    return reply.code(status < 300 ? 202 : 502).send({ status: 'accepted', event_id })
  })
}

await app.listen({ host: '127.0.0.1', port: 0 })
process.send?.({ port: (app.server.address() as AddressInfo).port })
process.on('disconnect', () => process.exit())

/** Sends one POST and gives the answer's status, once its body has come. */
type Forward = (body: Buffer, headers: Record<string, string>) => Promise<number>

function byFetch(url: string): Forward {
  return async (body, headers) => {
    const answer = await fetch(url, { method: 'POST', body: new Uint8Array(body), headers })
    await answer.arrayBuffer()
    return answer.status
  }
}

function byPool(url: string): Forward {
  const { origin, pathname } = new URL(url)
  const pool = new Pool(origin, { connections: 64 })
  return async (body, headers) => {
    const answer = await pool.request({ method: 'POST', path: pathname, body, headers })
    await answer.body.dump()
    return answer.statusCode
  }
}
