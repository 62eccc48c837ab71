import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { networkOf } from '../../src/ingest/client-address.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { startRelay } from '../support/relay.ts'
import { newSecret, signedWebhook } from '../support/signed-webhook.ts'

describe('an address is counted', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1:2:3::4:192.0.2.1', '1:2:3:0::/64'],
    ['unknown', 'unknown'],
  ])('%s as %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })

  test('with all others of its IPv6 network', () => {
    const half = fc.array(fc.nat({ max: 0xffff }), { minLength: 4, maxLength: 4 })
    const text = (groups: number[]) => groups.map((group) => group.toString(16)).join(':')
    fc.assert(
      fc.property(half, half, half, (network, one, other) => {
        fc.pre(!text(network).startsWith('0:0:0:0'))
        const address = (rest: number[]) => `${text(network)}:${text(rest)}`
        expect(networkOf(address(one))).toBe(networkOf(address(other)))
      }),
    )
  })
})

describe('behind a proxy that is trusted', () => {
  test.each([
    ['14 kB of letters', 'x'.repeat(14_000)],
    ['an address with a zone of 14 kB', `fe80::1%${'x'.repeat(14_000)}`],
    ['an address and a port', '203.0.113.7:4711'],
    ['nothing', ''],
  ])('%s for an address is neither kept nor logged', async (_what, forwarded) => {
    const relay = await startRelay({ TRUST_PROXY: 'true' })
    const forged = signedWebhook(newSecret(), JSON.stringify(credentialEvent()))
    await relay.post({ ...forged, headers: { ...forged.headers, 'x-forwarded-for': forwarded } })
    const { address } = await relay.logged('webhook refused')
    expect(['127.0.0.1', 'fe80::1']).toContain(address)
  })

  test('made-up addresses count as the address of the connection', async () => {
    const relay = await startRelay({ TRUST_PROXY: 'true', FORGERY_LIMIT_PER_MINUTE: '2' })
    const statuses = []
    for (const made of ['one', 'two', 'three']) {
      const forged = signedWebhook(newSecret(), '{}')
      const answer = await relay.post({ ...forged, headers: { ...forged.headers, 'x-forwarded-for': made } })
      statuses.push(answer.status)
    }
    expect(statuses).toEqual([401, 401, 429])
  })
})

describe('behind a proxy', () => {
  test('a forwarded header without TRUST_PROXY is warned of once', async () => {
    const relay = await startRelay()
    const forwarded = () => {
      const webhook = signedWebhook(relay.secret, JSON.stringify(credentialEvent()))
      return relay.post({ ...webhook, headers: { ...webhook.headers, 'x-forwarded-for': '203.0.113.9' } })
    }
    await forwarded()
    await forwarded()
    expect(relay.logLines.filter(({ msg }) => String(msg).includes('TRUST_PROXY'))).toHaveLength(1)
  })

  test('TRUST_PROXY tells forged webhooks of one address from those of another', async () => {
    const relay = await startRelay({ TRUST_PROXY: 'true', FORGERY_LIMIT_PER_MINUTE: '1' })
    const from = (address: string, secret: string) => {
      const webhook = signedWebhook(secret, JSON.stringify(credentialEvent()))
      return relay.post({ ...webhook, headers: { ...webhook.headers, 'x-forwarded-for': address } })
    }
    expect((await from('203.0.113.1', newSecret())).status).toBe(401)
    expect((await from('203.0.113.1', newSecret())).status).toBe(429)
    expect((await from('203.0.113.2', relay.secret)).status).toBe(202)
  })
})
