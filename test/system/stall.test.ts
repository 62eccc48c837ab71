import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { MAX_EXTENSION_MS } from '../../src/time/deadline.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { hookTo, startReceiver } from '../support/relay.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import type { RelayProcess } from '../support/relay-process.ts'
import { scratchDatabase } from '../support/scratch.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

// SIGSTOP is what a paused container, a frozen virtual machine or a starved processor looks like from inside.

const TIMEOUT_MS = 2000

/** Stops the process for longer than its attempts may take; `meanwhile` runs while it stands still. */
async function stall({ child }: RelayProcess, meanwhile: () => unknown = () => {}): Promise<void> {
  child.kill('SIGSTOP')
  meanwhile()
  await delay(TIMEOUT_MS + MAX_EXTENSION_MS + 1000)
  child.kill('SIGCONT')
}

function startRelay(hook: { HOOKS: string }): Promise<RelayProcess> {
  return startRelayProcess(newSecret(), { ...scratchDatabase(), ...hook })
}

test('answers that came while the process stood still count, and nothing is sent again', async () => {
  const answers: (() => void)[] = []
  const receiver = await startReceiver((_request, response) =>
    answers.push(() => response.writeHead(204).end()),
  )
  const relay = await startRelay(hookTo(receiver, { timeoutMs: TIMEOUT_MS, breaker: { failures: 2 } }))
  await Promise.all(Array.from({ length: 8 }, () => relay.send(credentialEvent())))
  await receiver.hasReceived(8)
  await stall(relay, () => {
    for (const answer of answers) answer()
  })
  await until('all to be delivered', async () => {
    return (
      (await relay.metric('seam_relay_deliveries_settled_total', { hook: 'one', state: 'delivered' })) === 8
    )
  })
  expect(receiver.received).toHaveLength(8)
  expect(relay.logLines.filter(({ level }) => (level as number) >= 40)).toEqual([])
})

test('a stall without answers is no failure of the hook: no time-out is counted, the breaker stays closed', async () => {
  const receiver = await startReceiver(() => {})
  const relay = await startRelay(hookTo(receiver, { timeoutMs: TIMEOUT_MS, breaker: { failures: 2 } }))
  await Promise.all(Array.from({ length: 8 }, () => relay.send(credentialEvent())))
  await receiver.hasReceived(8)
  receiver.behaviour = 204
  await stall(relay)
  await until('all to be delivered', async () => {
    return (
      (await relay.metric('seam_relay_deliveries_settled_total', { hook: 'one', state: 'delivered' })) === 8
    )
  })
  expect(relay.logLines.filter(({ msg }) => String(msg).startsWith('breaker'))).toEqual([])
  expect(await relay.metric('seam_relay_delivery_attempts_total', { hook: 'one', outcome: 'failed' })).toBe(
    undefined,
  )
})
