import { once } from 'node:events'
import { get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { onTestFinished } from 'vitest'
import type { Relay } from './relay.ts'
import { until } from './until.ts'

/** Writes one thing that happened down, as delivery and ingest do. */
export async function happen({ app }: Relay, id: string): Promise<void> {
  const item = { kind: 'accepted' as const, at: 0, id, eventType: 'a.b', hook: null, code: null }
  await app.store.record({ counts: [], activity: [item], skipped: 0 })
}

/** Opens a stream, and gathers what it is told until the test has finished. */
export async function follow({ operatorUrl }: Relay, headers: Record<string, string> = {}) {
  const request = get(`${operatorUrl}/api/stream`, { headers, agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  onTestFinished(() => void response.destroy())
  const stream = {
    response,
    text: '',
    get lastId() {
      return [...this.text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? ''
    },
  }
  response.on('data', (chunk: Buffer) => (stream.text += chunk.toString()))
  response.on('error', () => {})
  await until('the beginning', () => stream.text !== '')
  return stream
}
