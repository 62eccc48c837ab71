import { expect, test } from 'vitest'
import type { CredentialEvent } from '../../src/events/event.ts'
import { credentialEvent, credentialEvents } from '../support/credential-event.ts'
import { hooksOf } from '../support/hooks.ts'
import { startReceiver } from '../support/relay.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import { scratchDatabase } from '../support/scratch.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

function environmentFor(url: string): Record<string, string> {
  return {
    ...scratchDatabase(),
    ...hooksOf({ name: 'one', url, retry: { initialDelayMs: 50, maxDelayMs: 200 } }),
  }
}

test('kill -9 between acceptance and delivery loses nothing that was acknowledged', async () => {
  const secret = newSecret()
  const receiver = await startReceiver(503)
  const environment = environmentFor(receiver.url)
  const relay = await startRelayProcess(secret, environment)
  const events = credentialEvents(40)
  const answers = await Promise.all(events.map((event) => relay.send(event)))
  expect(answers.every(({ status }) => status === 202)).toBe(true)
  await relay.end('SIGKILL')

  const before = receiver.received.length
  receiver.behaviour = 204
  await startRelayProcess(secret, environment)
  const deliveredAfter = () => new Set(receiver.ids.slice(before))
  await until('all of them to be delivered', () => deliveredAfter().size === events.length)
  expect(deliveredAfter()).toEqual(new Set(events.map(({ event_id }) => event_id)))
})

test('kill -9 under load loses nothing that was acknowledged and stores nothing twice', async () => {
  const secret = newSecret()
  const receiver = await startReceiver()
  const environment = environmentFor(receiver.url)
  const relay = await startRelayProcess(secret, environment)
  const sent: CredentialEvent[] = []
  const acknowledged: string[] = []
  const sendUntilItFails = async () => {
    for (;;) {
      const event = credentialEvent()
      sent.push(event)
      const answer = await relay.send(event).catch(() => null)
      if (answer === null) return
      expect(answer.status).toBe(202)
      acknowledged.push(event.event_id)
    }
  }
  const sending = Promise.all(Array.from({ length: 16 }, sendUntilItFails))
  await until('some to be acknowledged', () => acknowledged.length > 200)
  await relay.end('SIGKILL')
  await sending

  const again = await startRelayProcess(secret, environment)
  const delivered = () => new Set(receiver.ids)
  await until('every acknowledged one to be delivered', () => acknowledged.every((id) => delivered().has(id)))
  // Acknowledged events are in the store: a resend is a duplicate.
  for (const event of sent.filter(({ event_id }) => acknowledged.includes(event_id)).slice(0, 20)) {
    expect(await again.send(event)).toMatchObject({ status: 200, body: { status: 'duplicate' } })
  }
})
