import { describe, expect, test } from 'vitest'
import { isCrossSite } from '../../src/operator/cross-site.ts'
import { startRelay } from '../support/relay.ts'

describe('a request is of another site', () => {
  test.each([
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ 'sec-fetch-site': '' }],
    [{ 'sec-fetch-site': 'same-origin, cross-site' }],
    [{ host: 'localhost:3001', origin: 'http://localhost:8080' }],
    [{ host: 'localhost:3001', origin: 'http://evil.example' }],
    [{ host: 'localhost:3001', origin: 'null' }],
    [{ host: 'localhost:3001', origin: '' }],
    [{ host: 'localhost:3001', origin: 'http://localhost:3001.evil.example' }],
    [{ host: 'localhost:3001', origin: 'http://localhost:3001/path' }],
    [{ host: 'localhost:3001', origin: 'file://localhost:3001' }],
    [{ origin: 'http://localhost:3001' }],
  ])('with %j', (headers) => {
    expect(isCrossSite(headers)).toBe(true)
  })

  test.each([
    [{}],
    [{ host: 'localhost:3001' }],
    [{ 'sec-fetch-site': 'same-origin' }],
    [{ 'sec-fetch-site': 'none' }],
    [{ host: 'localhost:3001', origin: 'http://localhost:3001' }],
    [{ host: 'Ops.example', origin: 'https://ops.example' }],
  ])('but not with %j', (headers) => {
    expect(isCrossSite(headers)).toBe(false)
  })
})

test('no call is done for another site, with or without a token; a link that a person followed is', async () => {
  const open = await startRelay()
  const closed = await startRelay({ OPERATOR_TOKEN: 'correct horse' })
  for (const { app } of [open, closed]) {
    const answer = async (
      method: 'GET' | 'POST' | 'DELETE',
      url: string,
      headers: Record<string, string>,
    ) => {
      const authorization = 'Bearer correct horse'
      const { statusCode, body } = await app.operatorListener.inject({
        method,
        url,
        headers: { authorization, ...headers },
      })
      return [statusCode, statusCode === 200 ? '' : (JSON.parse(body) as { code: string }).code]
    }
    const fromElsewhere = { 'sec-fetch-site': 'cross-site' }
    for (const method of ['POST', 'DELETE'] as const) {
      for (const url of ['/session', '/api/replay', '/nothing']) {
        expect(await answer(method, url, fromElsewhere)).toEqual([403, 'cross_site'])
        expect(await answer(method, url, { origin: 'http://evil.example' })).toEqual([403, 'cross_site'])
        const followed = { ...fromElsewhere, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
        expect(await answer(method, url, followed)).toEqual([403, 'cross_site'])
      }
    }
    expect(await answer('GET', '/openapi.json', fromElsewhere)).toEqual([403, 'cross_site'])
    const followed = { ...fromElsewhere, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    expect(await answer('GET', '/openapi.json', followed)).toEqual([200, ''])
    expect(await answer('GET', '/openapi.json', { 'sec-fetch-site': 'same-origin' })).toEqual([200, ''])
  }
})
