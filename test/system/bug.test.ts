import { join } from 'node:path'
import { expect, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { startReceiver } from '../support/relay.ts'
import { launchRelay, startRelayProcess } from '../support/relay-process.ts'
import { scratchFolder } from '../support/scratch.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

// An error that nobody catches. The program has none that we know of, so the test brings one in: a module that Node
// loads before the program, and that throws at a signal.

test.each([
  ['an exception', `throw new TypeError('cannot read this')`],
  ['a rejected promise', `void Promise.reject(new TypeError('cannot read this'))`],
])('%s that nobody catches is logged, what is in flight is settled, and it ends with 1', async (_, bug) => {
  const secret = newSecret()
  const held: (() => void)[] = []
  const receiver = await startReceiver((_request, response) => held.push(() => response.writeHead(204).end()))
  const environment = {
    DATABASE_URL: `sqlite:${join(scratchFolder(), 'relay.db')}`,
    HOOKS: JSON.stringify([{ name: 'one', url: receiver.url }]),
  }
  const relay = await startRelayProcess(secret, { ...environment, ...withBug(bug) })
  await relay.send(credentialEvent())
  await receiver.hasReceived(1)
  relay.child.kill('SIGUSR2')
  const line = await until('the bug to be logged', () => relay.logLines.find(({ level }) => level === 60))
  expect(line).toMatchObject({
    msg: 'a bug: stopping, to be started again',
    type: 'TypeError',
    reason: 'cannot read this',
    stack: expect.arrayContaining([expect.stringMatching(/^at /)]) as unknown,
  })
  for (const answer of held) answer()
  await until('it to end', () => relay.child.exitCode !== null)
  expect(relay.child.exitCode).toBe(1)

  // The delivery was settled, so after the next start only the next event goes out.
  receiver.behaviour = 204
  const again = await startRelayProcess(secret, environment)
  await again.send(credentialEvent())
  await receiver.hasReceived(2)
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(2)
})

test('a bug during the stop is logged and does not hold it up', async () => {
  let answer = () => {}
  const receiver = await startReceiver((_request, response) => {
    answer = () => void response.writeHead(204).end()
  })
  const relay = await startRelayProcess(newSecret(), {
    DATABASE_URL: `sqlite:${join(scratchFolder(), 'relay.db')}`,
    HOOKS: JSON.stringify([{ name: 'one', url: receiver.url }]),
    SHUTDOWN_TIMEOUT_MS: '600000',
    ...withBug(`throw new Error('again')`),
  })
  await relay.send(credentialEvent())
  await receiver.hasReceived(1)
  const ended = relay.end('SIGTERM')
  await until('the stop to begin', () => relay.logLines.some(({ msg }) => msg === 'stopping'))
  relay.child.kill('SIGUSR2')
  expect(await relay.logged('a bug during the stop')).toMatchObject({ level: 50 })
  answer()
  expect(await ended).toBe(0)
})

test('what a parser quotes from its input is not logged', async () => {
  const relay = launchRelay(newSecret(), {
    DATABASE_URL: `sqlite:${join(scratchFolder(), 'relay.db')}`,
    HOOKS: '[]',
    ...withBug(`JSON.parse('{"code": 4321 oops')`),
  })
  await relay.listening()
  relay.child.kill('SIGUSR2')
  expect(await relay.ended).toBe(1)
  expect(relay.logLines).toContainEqual(expect.objectContaining({ level: 60, type: 'SyntaxError' }))
  expect(JSON.stringify(relay.logLines) + relay.complaints()).not.toContain('4321')
})

function withBug(statement: string): { NODE_OPTIONS: string } {
  const code = `process.on('SIGUSR2', () => { ${statement} })`
  return { NODE_OPTIONS: `--import data:text/javascript;base64,${Buffer.from(code).toString('base64')}` }
}
