import { once } from 'node:events'
import { expect, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { hooksOf } from '../support/hooks.ts'
import { startReceiver, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'
import { runCommand, startCommand } from './relay-command.ts'

const FAILING = { retry: { giveUpAfterMs: 0 } }

/** A relay with a hook that fails, and one event that it has given up. */
async function withDeadLetter(environment: Record<string, string> = {}) {
  const receiver = await startReceiver(500)
  const relay = await startRelay({
    ...hooksOf({ name: 'one', url: receiver.url, ...FAILING }),
    ...environment,
  })
  const event = credentialEvent({ event_type: 'acs_credential.deleted' })
  await relay.send(event)
  await relay.logged('delivery given up: a dead letter')
  return { receiver, relay, event, url: ['--url', relay.operatorUrl] }
}

test('a quiet relay: nothing waits for anybody', async () => {
  const relay = await startRelay()
  const { code, stdout, stderr } = await runCommand(['overview', '--url', relay.operatorUrl])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('reconciliation  off')
})

test('a revocation that a hook does not know of: seen, looked into, sent again, and quiet', async () => {
  const { receiver, event, url } = await withDeadLetter()
  const overview = await runCommand(['overview', ...url])
  expect(overview.code).toBe(1)
  expect(overview.stdout).toMatch(/^act /m)
  expect(overview.stdout).toMatch(/^one .* 1 dead /m)

  const inspected = await runCommand(['inspect', event.event_id, ...url])
  expect(inspected).toMatchObject({ code: 0, stderr: '' })
  expect(inspected.stdout).toMatch(/^ {2}one {2}dead since .*, 1 attempt, last failure http_status$/m)
  expect(inspected.stdout).toMatch(/^ {4}attempt 1 .* 500 http_status$/m)
  expect(inspected.stdout).toContain(`"event_id": "${event.event_id}"`)
  const story = await runCommand(['inspect', event.acs_credential_id, ...url])
  expect(story.stdout).toMatch(/^one +has got none of its events +has not got 1 event$/m)

  const counted = await runCommand(['replay', ...url, '--hook', 'one', '--code', 'http_status', '--dry-run'])
  expect(counted).toMatchObject({
    code: 0,
    stdout: '1 dead delivery, to one, whose last failure was http_status.\n',
  })
  expect(receiver.received).toHaveLength(1)
  receiver.behaviour = 204
  const replayed = await runCommand(['replay', ...url, '--hook', 'one', '--yes'])
  expect(replayed).toMatchObject({ code: 0, stderr: '' })
  expect(replayed.stdout).toContain('done: 1 of 1 put back to be delivered\n')
  await receiver.hasReceived(2)
  await until('the overview to be quiet', async () => (await runCommand(['overview', ...url])).code === 0)
})

test('a mistyped filter replays nothing', async () => {
  const { receiver, url } = await withDeadLetter()
  for (const filter of [
    ['--hook', ''],
    ['--state', ''],
    ['--event-id', ''],
    ['--hook', 'no such hook'],
  ]) {
    expect(await runCommand(['replay', ...url, ...filter, '--yes'])).toMatchObject({ code: 2 })
  }
  expect(receiver.received).toHaveLength(1)
})

test('what was set aside, and a replay, are found by their ids', async () => {
  const { relay, url } = await withDeadLetter()
  const { body } = await relay.send({ ...credentialEvent(), acs_credential_id: undefined })
  const quarantined = await runCommand(['inspect', body['id'] as string, ...url])
  expect(quarantined.code).toBe(0)
  expect(quarantined.stdout).toMatch(/^problems\n {2}\/acs_credential_id +is missing$/m)
  const begun = await runCommand(['replay', ...url, '--yes', '--no-wait', '--json'])
  const { id } = JSON.parse(begun.stdout) as { id: string }
  const replay = await runCommand(['inspect', id, ...url])
  expect(replay.code).toBe(0)
  expect(replay.stdout).toMatch(/^done +\d of 1$/m)
  expect(await runCommand(['replay', ...url, '--cancel', 'nothing'])).toMatchObject({ code: 1 })
  expect((await runCommand(['replay', ...url, '--cancel', id])).stdout).toMatch(
    /^state +(finished|cancelled)$/m,
  )
})

test('what happens is followed as it happens', async () => {
  const receiver = await startReceiver()
  const relay = await startRelay(hooksOf({ name: 'one', url: receiver.url }))
  const child = startCommand(['tail', '--url', relay.operatorUrl])
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk))
  // It listens from a moment on that only it knows, so events are sent until one is seen.
  await until('a delivery to be shown', async () => {
    await relay.send(credentialEvent())
    return /^\d\d:\d\d:\d\dZ {2}delivered .* one {2}acs_credential\.issued$/m.test(said)
  })
  child.kill('SIGINT')
  expect(await once(child, 'close')).toEqual([0, null])
})

test('a token lets in, the read token lets look, and without one the way in is named', async () => {
  const tokens = {
    OPERATOR_TOKEN: 'acting-token-of-the-test',
    OPERATOR_READ_TOKEN: 'reading-token-of-the-test',
  }
  const { url } = await withDeadLetter(tokens)
  expect(await runCommand(['replay', ...url, '--dry-run'], tokens)).toMatchObject({ code: 0 })
  const reading = { OPERATOR_READ_TOKEN: tokens.OPERATOR_READ_TOKEN }
  expect(await runCommand(['overview', ...url], reading)).toMatchObject({ code: 1, stderr: '' })
  const refused = await runCommand(['replay', ...url, '--yes'], reading)
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('set OPERATOR_TOKEN here to the other one')
  const stranger = await runCommand(['overview', ...url])
  expect(stranger.code).toBe(1)
  expect(stranger.stderr).toContain('Set OPERATOR_TOKEN here')
})

test('without a key of Seam, reconcile says so', async () => {
  const relay = await startRelay()
  const { code, stderr } = await runCommand(['reconcile', '--url', relay.operatorUrl, '--since', '1h'])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^relay: Reconciliation is off: .*SEAM_API_KEY/)
})
