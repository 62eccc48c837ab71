import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { onTestFinished } from 'vitest'

export interface Asked {
  /** `GET /api/overview` */
  call: string
  query: Record<string, string>
  headers: IncomingHttpHeaders
  body: unknown
}

export type Answer = (asked: Asked, response: ServerResponse) => void

/**
 * A server that answers as an operator listener does, for what a real one cannot be brought to answer: problems, hostile
 * text, lost connections, other versions.
 * @param answers by the call; any other call is answered with the problem `not_found`
 */
export async function startOperator(answers: Record<string, Answer>) {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '', 'http://stub')
      const call = `${request.method} ${url.pathname}`
      const body = request.headers['content-type'] === undefined ? undefined : await json(request)
      const one = { call, query: Object.fromEntries(url.searchParams), headers: request.headers, body }
      asked.push(one)
      const give = answers[call] ?? problem(404, 'not_found', 'There is no such page or call.')
      give(one, response)
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server }
}

/** An answer that is as the schema has it. */
export function answering<S extends TSchema>(schema: S, value: Static<S>): Answer {
  if (!Value.Check(schema, value))
    throw new Error(`the answer does not fit its schema: ${JSON.stringify(value)}`)
  return answeringRaw(value)
}

export function answeringRaw(value: unknown, status = 200): Answer {
  return (_asked, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
}

export function problem(status: number, code: string, detail: string, title = 'A title'): Answer {
  return (_asked, response) => {
    const document = { type: `urn:seam-relay:problem:${code}`, title, status, code, detail }
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(document))
  }
}
