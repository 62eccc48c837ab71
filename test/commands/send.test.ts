import { expect, test } from 'vitest'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { runCommand } from './relay-command.ts'

/** The settings that the relay of the test was started with. */
function settingsOf({ secret, url }: Relay): Record<string, string> {
  return { SEAM_WEBHOOK_SECRET: secret, HOST: '0.0.0.0', PORT: new URL(url).port }
}

test('a signed sample is accepted and reaches the hook, each time that it is sent', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hookTo(receiver))
  for (const count of [1, 2]) {
    const { code, stdout, stderr } = await runCommand(['send'], settingsOf(relay))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^answer +202 accepted after \d+ ms$/m)
    await receiver.hasReceived(count)
  }
  const [first] = receiver.received
  expect(JSON.parse(first?.body ?? '')).toMatchObject({
    event_id: '00000000-0000-0000-0000-000000000000',
    event_type: 'acs_credential.issued',
  })
})

test.each(['reissued', 'invalidated', 'deleted', 'acs_credential.deleted'])('--type %s', async (type) => {
  const relay = await startRelay()
  const { code, stdout } = await runCommand(['send', '--type', type, '--json'], settingsOf(relay))
  expect(code).toBe(0)
  const eventType = `acs_credential.${type.replace('acs_credential.', '')}`
  expect(JSON.parse(stdout)).toMatchObject({ well: true, event_type: eventType, status: 202, sent: 'right' })
})

test.each<[string, string[], string]>([
  ['one that lacks a field is set aside', ['--misfit'], '202 quarantined'],
  ['one that Seam did not sign is refused', ['--forge'], '401 signature_mismatch'],
  ['one of a type that is not taken in is ignored', ['--type', 'device.connected'], '200 ignored'],
])('%s, which is well', async (_what, options, answer) => {
  const relay = await startRelay()
  const { code, stdout } = await runCommand(['send', ...options], settingsOf(relay))
  expect(code).toBe(0)
  expect(stdout).toMatch(new RegExp(`^answer +${answer} after `, 'm'))
})

test('of several secrets, --secret chooses one; one that the relay does not know is not well', async () => {
  const relay = await startRelay()
  const settings = { ...settingsOf(relay), SEAM_WEBHOOK_SECRET: `${newSecret()},${relay.secret}` }
  const first = await runCommand(['send'], settings)
  expect(first.code).toBe(1)
  expect(first.stdout).toMatch(/^answer +401 signature_mismatch/m)
  expect(first.stdout).toContain('has other secrets than the one used here')
  expect(await runCommand(['send', '--secret', '2'], settings)).toMatchObject({ code: 0 })
  expect(await runCommand(['send', '--secret', '3'], settings)).toMatchObject({ code: 2 })
})

test('--to names another address; an answer that is not seam-relay’s is not well', async () => {
  const other = await startReceiver((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>\u001b[31mhello\u009b</h1>')
  })
  const settings = { SEAM_WEBHOOK_SECRET: newSecret() }
  const { code, stdout } = await runCommand(['send', '--to', other.url], settings)
  expect(code).toBe(1)
  expect(stdout).toContain('This is not an answer of seam-relay')
  expect(stdout).toContain('<h1>\\u001b[31mhello\\u009b</h1>')
  expect(other.received[0]?.headers['svix-signature']).toMatch(/^v1,/)
})

test('nothing at the address: what to do, and exit code 1', async () => {
  const gone = await startReceiver()
  const { url } = gone
  await gone.stop()
  const settings = { SEAM_WEBHOOK_SECRET: newSecret() }
  const { code, stdout, stderr } = await runCommand(['send', '--to', url], settings)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(`nothing listens at ${url}`)
  expect(stderr).toContain('--to')
  const asJson = await runCommand(['send', '--json', '--to', url], settings)
  expect(JSON.parse(asJson.stdout)).toMatchObject({ error: { code: 'unreached' } })
})

test.each<[string, string[], Record<string, string>, number]>([
  ['--misfit and --forge exclude each other', ['--misfit', '--forge'], {}, 2],
  ['an impossible type', ['--type', 'Door Opened'], {}, 2],
  ['an address that is no URL', ['--to', 'relay:3000'], {}, 2],
  ['a port that is chosen at the start', [], { PORT: '0' }, 2],
  ['a secret that is none', [], { SEAM_WEBHOOK_SECRET: 's3cret' }, 78],
])('%s', async (_what, options, environment, expected) => {
  const settings = { SEAM_WEBHOOK_SECRET: newSecret(), ...environment }
  const { code, stdout, stderr } = await runCommand(['send', ...options], settings)
  expect({ code, stdout }).toEqual({ code: expected, stdout: '' })
  expect(stderr).toMatch(/^relay: /)
  expect(stderr).not.toContain('s3cret')
})
