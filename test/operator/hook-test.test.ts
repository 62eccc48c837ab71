import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { createHookTest } from '../../src/operator/hook-test.ts'
import { systemClock } from '../../src/time/clock.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { readHook, readHooks } from '../support/hooks.ts'
import { hookTo, startReceiver, startRelay } from '../support/relay.ts'
import { until } from '../support/until.ts'

test('who asks for a test while one is under way gets its answer, and the hook gets one sample', async () => {
  const answers: ServerResponse[] = []
  const receiver = await startReceiver((_request, response) => void answers.push(response))
  const hooks = readHooks({ name: 'one', url: receiver.url }, { name: 'two', url: receiver.url })
  const testHook = createHookTest({ hooks: () => hooks, clock: systemClock })
  const [first, second, other] = [testHook('one'), testHook('one'), testHook('two')]
  await receiver.hasReceived(2)
  for (const answer of answers) answer.writeHead(200).end('well')
  expect(await first).toMatchObject({ delivered: true, status: 200, answer: 'well' })
  expect(await second).toEqual(await first)
  expect((await other)?.webhook_id).not.toBe((await first)?.webhook_id)
  expect(receiver.received).toHaveLength(2)
  const later = testHook('one')
  await receiver.hasReceived(3)
  answers[2]?.writeHead(204).end()
  expect((await later)?.webhook_id).not.toBe((await first)?.webhook_id)
})

test('a hook that is paused, or whose breaker is open, can be tested, and stays as it is', async () => {
  const receiver = await startReceiver(500)
  const relay = await startRelay(hookTo(receiver, { breaker: { failures: 1, cooldownMs: 600_000 } }))
  const hook = readHook({ name: 'one', url: receiver.url })
  const testHook = createHookTest({ hooks: () => [hook], clock: systemClock })
  await relay.send(credentialEvent())
  await until('the breaker to be open', async () => {
    return (await relay.metric('seam_relay_breaker_state', { hook: 'one', state: 'open' })) === 1
  })
  await relay.app.store.pauseHook({ hook: 'one', pausedBy: 'operator', reason: 'x' })
  receiver.behaviour = 204
  expect(await testHook('one')).toMatchObject({ delivered: true, status: 204 })
  expect(await relay.metric('seam_relay_breaker_state', { hook: 'one', state: 'open' })).toBe(1)
  expect(receiver.received).toHaveLength(2)
})

test('an answer of any length is told by its first KiB', async () => {
  const receiver = await startReceiver((_request, response) => response.writeHead(200).end('x'.repeat(5000)))
  const hook = readHook({ name: 'one', url: receiver.url })
  const answer = await createHookTest({ hooks: () => [hook], clock: systemClock })('one')
  expect(answer?.answer).toBe('x'.repeat(1024))
})
