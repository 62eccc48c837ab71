import { expect, test } from 'vitest'
import { startRelay } from '../support/relay.ts'

test('the operator listener is open on loopback without a token, and closed with one', async () => {
  const open = await startRelay()
  expect((await fetch(`${open.operatorUrl}/metrics`)).status).toBe(200)

  const closed = await startRelay({ OPERATOR_TOKEN: 'correct horse' })
  const status = async (authorization?: string) =>
    (
      await fetch(`${closed.operatorUrl}/metrics`, {
        headers: authorization === undefined ? {} : { authorization },
      })
    ).status
  expect(await status()).toBe(401)
  expect(await status('Bearer wrong')).toBe(401)
  expect(await status('Basic correct horse')).toBe(401)
  expect(await status('Bearer correct horse')).toBe(200)
})

test('metrics are in the Prometheus format and their names begin with seam_relay_', async () => {
  const relay = await startRelay()
  const response = await fetch(`${relay.operatorUrl}/metrics`)
  expect(response.headers.get('content-type')).toContain('text/plain')
  const names = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  expect(names.length).toBeGreaterThan(10)
  expect(names.filter((line) => !line.startsWith('seam_relay_'))).toEqual([])
})
