import fc from 'fast-check'
import { expect, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { rawAnswer } from '../support/raw-http.ts'
import { startRelay } from '../support/relay.ts'

/** Seen in an answer or the log, it has been repeated. */
const MARK = 'mark-5b1e2f'

const method = fc.constantFrom(
  'GET',
  'POST',
  'HEAD',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'get',
  'BREW',
  'TRACE',
)
const path = fc.constantFrom(
  '/webhooks/seam',
  '/metrics',
  '/readyz',
  '/livez',
  '/',
  '//',
  '/../metrics',
  '/%2e%2e/metrics',
  '*',
  '',
)
const query = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '?',
        '&',
        '=',
        '%',
        '%00',
        '%ff',
        '%zz',
        '[]',
        '[__proto__]',
        '__proto__=1',
        '#',
        ';',
        '..',
        '<script>',
        MARK,
      ),
      fc.string({ maxLength: 10 }).map(encodeURIComponent),
      fc.string({ unit: 'binary', maxLength: 6 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => `?${parts.join('')}`)
const target = fc.oneof(
  fc.tuple(path, query).map((parts) => parts.join('')),
  fc.tuple(fc.constant('http://x:y@z'), path, query).map((parts) => parts.join('')),
  fc.integer({ min: 1, max: 20_000 }).map((length) => `/${'x'.repeat(length)}`),
)
const host = fc.oneof(
  fc.constantFrom(
    '127.0.0.1',
    'localhost:1',
    '[::1]',
    '',
    ' ',
    'a b',
    'evil.example',
    `${MARK}.example`,
    '127.0.0.1, evil',
    '@',
    '%00',
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
)
const more = fc.constantFrom(
  '',
  'Host: twice\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Expect: 100-continue\r\n',
  'Connection: upgrade\r\nUpgrade: h2c\r\n',
  'Content-Length: -1\r\n',
  `X-Forwarded-For: ${MARK}\r\n`,
  `Authorization: Bearer ${MARK}\r\n`,
)

test(
  'whatever a stranger asks by target, query and Host, no listener fails, tells a figure, or repeats it',
  { timeout: 120_000 },
  async () => {
    const relay = await startRelay({
      OPERATOR_TOKEN: 'a-token-of-the-operator',
      RATE_LIMIT_PER_MINUTE: '1000000',
    })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(relay.url, relay.operatorUrl),
        method,
        target,
        host,
        more,
        async (url, ...parts) => {
          const [verb, asked, name, headers] = parts
          const request = Buffer.from(
            `${verb} ${asked.replaceAll(/[\r\n ]/g, '')} HTTP/1.1\r\nHost: ${name.replaceAll(/[\r\n]/g, '')}\r\n${headers}Connection: close\r\n\r\n`,
          ).toString('latin1')
          const answer = await rawAnswer(url, request)
          expect(answer === '' ? 'none' : answer.slice(0, 12)).toMatch(/^(none|HTTP\/1\.1 (100|[2-4]\d\d))$/)
          expect(answer).not.toContain(MARK)
          expect(answer).not.toContain('seam_relay_')
        },
      ),
      { numRuns: 400 },
    )
    // It is as well as before, and its log is one of words that are its own.
    expect((await relay.send(credentialEvent())).status).toBe(202)
    expect(relay.logLines.filter((line) => Number(line['level']) >= 50)).toEqual([])
    expect(JSON.stringify(relay.logLines)).not.toContain(MARK)
  },
)
