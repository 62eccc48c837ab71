import { describe, expect, test } from 'vitest'
import { rawAnswer } from '../support/raw-http.ts'
import { startRelay } from '../support/relay.ts'

describe.each(['public', 'operator'] as const)('the %s listener answers with a problem document', (which) => {
  async function answerTo(text: string): Promise<string> {
    const relay = await startRelay()
    return rawAnswer(which === 'public' ? relay.url : relay.operatorUrl, text)
  }

  test.each([
    ['to what is no HTTP', 'HELLO\r\n\r\n', 400, 'request_invalid'],
    [
      'to a header without a name',
      'GET /livez HTTP/1.1\r\nhost: localhost\r\n: y\r\n\r\n',
      400,
      'request_invalid',
    ],
    [
      'to headers that are too large',
      `GET /livez HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'to a URL that cannot be decoded',
      'GET /%ff HTTP/1.1\r\nhost: localhost\r\n\r\n',
      400,
      'request_invalid',
    ],
    ['to a path where nothing is', 'GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n', 404, 'not_found'],
  ])('%s', async (_what, text, status, code) => {
    const answer = await answerTo(text)
    expect(answer).toContain(`HTTP/1.1 ${status} `)
    expect(answer.toLowerCase()).toContain('content-type: application/problem+json')
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ status, code })
  })

  test('to a large body where nothing takes one', async () => {
    const body = 'x'.repeat(2_000_000)
    const answer = await answerTo(
      `POST /nothing HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 4(04|13) /)
    expect(answer.toLowerCase()).toContain('content-type: application/problem+json')
  })
})
