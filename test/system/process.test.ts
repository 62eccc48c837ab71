import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { hooksOf } from '../support/hooks.ts'
import { hookTo, startReceiver } from '../support/relay.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import { scratchDatabase } from '../support/scratch.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

const main = new URL('../../src/main.ts', import.meta.url).pathname

test('a mistake in the configuration stops the start with exit code 78 and one message', () => {
  const secret = 'whsec_dG9vIHNob3J0'
  const { status, stderr, stdout } = spawnSync(process.execPath, [main], {
    env: { SEAM_WEBHOOK_SECRET: secret, PORT: 'many', HOOKS: '[{"name":"one"}]' },
    encoding: 'utf8',
  })
  expect(status).toBe(78)
  expect(stdout).toBe('')
  for (const where of ['SEAM_WEBHOOK_SECRET', 'PORT', 'HOOKS[0].url']) expect(stderr).toContain(where)
  expect(stderr).not.toContain('dG9vIHNob3J0')
})

test('SIGTERM waits for the requests in flight, stores their outcomes, and exits 0', async () => {
  const secret = newSecret()
  const answers: (() => void)[] = []
  const receiver = await startReceiver((_request, response) =>
    answers.push(() => response.writeHead(204).end()),
  )
  const environment = {
    ...scratchDatabase(),
    ...hookTo(receiver),
  }
  const relay = await startRelayProcess(secret, environment)
  await relay.send(credentialEvent())
  await receiver.hasReceived(1)
  const ended = relay.end('SIGTERM')
  await relay.logged('stopping')
  await until('the listener to be closed', () =>
    fetch(`${relay.url}/readyz`).then(
      () => false,
      () => true,
    ),
  )
  for (const answer of answers) answer()
  expect(await ended).toBe(0)
  expect(relay.logLines.at(-1)).toMatchObject({ msg: 'stopped' })

  // The outcome was stored: the first delivery does not come again.
  receiver.behaviour = 204
  const again = await startRelayProcess(secret, environment)
  await again.send(credentialEvent())
  await receiver.hasReceived(2)
  expect(new Set(receiver.ids).size).toBe(2)
})

test('SIGTERM exits 0 within the time limit although a hook never answers, and the next start delivers again', async () => {
  const secret = newSecret()
  const receiver = await startReceiver(() => {})
  const environment = {
    ...scratchDatabase(),
    ...hookTo(receiver),
    // A fifth of it is left for settling, which takes long on a busy machine.
    SHUTDOWN_TIMEOUT_MS: '5000',
  }
  const relay = await startRelayProcess(secret, environment)
  await relay.send(credentialEvent())
  await receiver.hasReceived(1)
  expect(await relay.end('SIGTERM')).toBe(0)
  expect(relay.logLines).toContainEqual(expect.objectContaining({ code: 'interrupted', retry_in_ms: 0 }))

  receiver.behaviour = 204
  await startRelayProcess(secret, environment)
  const [first, second] = await receiver.hasReceived(2)
  expect(receiver.ids[1]).toBe(receiver.ids[0])
  expect([first, second].map((request) => request?.headers['seam-relay-attempt'])).toEqual(['1', '2'])
})

test('SIGTERM ends it although nobody reads its log any more', async () => {
  const relay = await startRelayProcess(newSecret(), {
    ...scratchDatabase(),
    HOOKS: '[]',
  })
  relay.child.stdout?.destroy()
  expect((await relay.send(credentialEvent())).status).toBe(202)
  expect(await relay.end('SIGTERM')).toBe(0)
})

test('payloads, secrets, signatures and tokens are never logged', async () => {
  const secret = newSecret()
  const receiver = await startReceiver(500)
  const hookSecret = newSecret()
  const relay = await startRelayProcess(secret, {
    ...scratchDatabase(),
    OPERATOR_TOKEN: 'operator-token-3141',
    LOG_LEVEL: 'trace',
    ...hooksOf({
      name: 'one',
      url: `${receiver.url}?key=in-the-url`,
      secrets: [hookSecret],
      headers: { authorization: 'Bearer hook-token-2718' },
    }),
  })
  const event = credentialEvent()
  await relay.send(event)
  await relay.send({ ...event, acs_system_id: 'not-a-uuid-but-a-value' })
  await fetch(`${relay.operatorUrl}/metrics`, { headers: { authorization: 'Bearer operator-token-3141' } })
  await until('the failed delivery to be logged', () =>
    relay.logLines.some(({ code }) => code === 'http_status'),
  )
  const signature = receiver.received[0]?.headers['webhook-signature'] as string
  const log = JSON.stringify(relay.logLines)
  const forbidden = [
    event.acs_credential_id,
    'not-a-uuid-but-a-value',
    secret,
    hookSecret,
    signature,
    'operator-token-3141',
    'hook-token-2718',
    'in-the-url',
  ]
  for (const text of forbidden) expect(log).not.toContain(text)
})
