import { expect, test } from 'vitest'
import { startRelay } from '../support/relay.ts'

test('a script that asks without end is told to wait, and others are still answered', async () => {
  const relay = await startRelay()
  const ask = (remoteAddress: string, url: string) =>
    relay.app.operatorListener.inject({ url, remoteAddress, headers: { host: 'localhost' } })
  for (let n = 0; n < 6000; n++) await ask('127.0.0.9', '/api/refusals')
  // Calls of all kinds count together.
  const refused = await ask('127.0.0.9', '/api/actions')
  expect({ status: refused.statusCode, code: refused.json<{ code: string }>().code }).toEqual({
    status: 429,
    code: 'rate_limited',
  })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect((await ask('127.0.0.10', '/api/refusals')).statusCode).toBe(200)
})
