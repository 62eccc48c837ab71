import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Outcome } from '../../../src/delivery/outcome.ts'
import { startRawReceiver } from '../../support/raw-receiver.ts'
import type { Reply } from '../../support/raw-receiver.ts'
import { clientOf, delivery } from './sending.ts'

/** Cases that only end at the time-out must not take long. */
const TIMEOUT_MS = 150
/** On a busy machine the answer to a time-out comes late, but it comes. */
const LATEST_MS = 5000

const status = fc.oneof(
  fc.constantFrom(
    '200 OK',
    '204 No Content',
    '301 Moved',
    '410 Gone',
    '429 Slow',
    '500 No',
    '503 Later',
    '100 Continue',
  ),
  fc.integer({ min: 0, max: 1200 }).map((code) => `${code} X`),
  fc.string({ unit: 'binary', maxLength: 12 }),
)
const firstLine = fc.oneof(
  { weight: 6, arbitrary: status.map((text) => `HTTP/1.1 ${text}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'HTTP/1.0 200 OK',
      'HTTP/2 200',
      'http/1.1 200 OK',
      'HTTP/1.1 200',
      '200 OK',
      '',
    ),
  },
)
const header = fc.oneof(
  fc.constantFrom(
    'content-length: 0',
    'content-length: 5',
    'content-length: -1',
    'content-length: 99999999999999999999',
  ),
  fc.constantFrom(
    'transfer-encoding: chunked',
    'transfer-encoding: gzip, chunked',
    'Transfer-Encoding : chunked',
  ),
  fc.constantFrom(
    'retry-after: 1',
    'retry-after: -9',
    'retry-after: 1e99',
    'retry-after: Fri, 31 Dec 9999 23:59:59 GMT',
  ),
  fc.constantFrom(
    'connection: close',
    'connection: upgrade',
    'upgrade: h2c',
    'keep-alive: timeout=0',
    'trailer: x',
  ),
  fc.constantFrom(
    'content-encoding: br',
    'location: http://127.0.0.1:1/',
    ' folded: x',
    'x:',
    ':',
    'x: \0',
    'set-cookie: a=b',
  ),
  fc
    .tuple(fc.string({ maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 20 }))
    .map(([name, text]) => `${name}: ${text}`),
)
const body = fc.oneof(
  fc.constantFrom(
    '',
    'hello',
    '5\r\nhello\r\n0\r\n\r\n',
    '0\r\nx: y\r\n\r\n',
    'zz\r\n',
    '5;ext=1\r\nhel',
    'ffffffffffffffff1\r\n',
  ),
  fc.constantFrom(
    'HTTP/1.1 200 OK\r\n\r\n',
    '\r\n\r\n',
    '0\r\n\r\nHTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n',
  ),
  fc.string({ unit: 'binary', maxLength: 3000 }),
)
const answer = fc
  .tuple(
    firstLine,
    fc.array(header, { maxLength: 5 }),
    fc.constantFrom('\r\n', '\n'),
    body,
    fc.double({ min: 0, max: 2, noNaN: true }),
  )
  .map(([first, headers, newline, text, share]) => {
    const whole = Buffer.from([first, ...headers, '', text].join(newline), 'latin1')
    // Half of the answers are cut off somewhere.
    return whole.subarray(0, Math.round(whole.length * Math.min(1, share)))
  })
const manner = fc.constantFrom<(bytes: Buffer) => Reply>(
  (bytes) => (socket) => socket.end(bytes),
  (bytes) => (socket) => socket.end(bytes),
  (bytes) => (socket) => socket.write(bytes),
  (bytes) => (socket) => {
    socket.write(bytes)
    socket.resetAndDestroy()
  },
  (bytes) => (socket) => {
    socket.write(bytes.subarray(0, bytes.length / 2))
    setImmediate(() => socket.end(bytes.subarray(bytes.length / 2)))
  },
)

test(
  'whatever a receiver answers, an attempt ends in time, in an outcome that fits the status',
  { timeout: 120_000 },
  async () => {
    let reply: Reply = () => {}
    const receiver = await startRawReceiver((socket) => reply(socket))
    const client = clientOf(receiver.url, { timeoutMs: TIMEOUT_MS })
    await fc.assert(
      fc.asyncProperty(answer, manner, async (bytes, how) => {
        reply = how(bytes)
        const outcome = await client.send(delivery).outcome
        expect(outcome.record.durationMs).toBeLessThan(LATEST_MS)
        expect(outcome.record.answer?.length ?? 0).toBeLessThanOrEqual(1024)
        expect(outcome.kind).toBe(kindOf(outcome))
        // A 2xx was heard only if one was said.
        const hasSaid2xx = /^HTTP\/1\.[01] 2\d\d/.test(bytes.toString('latin1'))
        expect(outcome.kind !== 'delivered' || hasSaid2xx).toBe(true)
        expect(outcome.kind === 'failed' ? (outcome.retryAfterMs ?? 0) : 0).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 150 },
    )
    // And the same client goes on with a receiver that has come to its senses.
    reply = (socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n')
    expect(await client.send(delivery).outcome).toMatchObject({
      kind: 'delivered',
      record: { status: 204, errorCode: null },
    })
  },
)

/** The kind that a status means, and without one a failure. */
function kindOf({ record: { status } }: Outcome): Outcome['kind'] {
  if (status === null) return 'failed'
  if (status === 410) return 'refused'
  return status >= 200 && status < 300 ? 'delivered' : 'failed'
}
