import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'svix'

/** One request that the hook received. */
export interface Call {
  body: string
  /** Whether its signature was made with the hook's secret. */
  verified: boolean
}

/** The service behind a hook, as its owner would write it: it verifies each request and answers. */
export interface Receiver {
  url: string
  /** What it answers to requests that verify. 204 at first. */
  status: number
  /** Every request so far, in order of arrival. */
  calls: readonly Call[]
  stop(): Promise<void>
}

export async function startReceiver(secret: string): Promise<Receiver> {
  const webhook = new Webhook(secret)
  const calls: Call[] = []
  let status = 204
  const server = createServer((request, response) => {
    text(request).then(
      (body) => {
        const verified = verifies(webhook, body, request.headers)
        calls.push({ body, verified })
        response.writeHead(verified ? status : 401).end()
      },
      () => response.destroy(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    get status() {
      return status
    },
    set status(answered) {
      status = answered
    },
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/seam`,
    calls,
    async stop() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function verifies(webhook: Webhook, body: string, headers: IncomingHttpHeaders): boolean {
  try {
    webhook.verify(body, headers as Record<string, string>)
    return true
  } catch {
    return false
  }
}
