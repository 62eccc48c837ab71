import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { startRelay } from '../support/relay.ts'

test('a connection that never asks for anything does not hold up a stop', async () => {
  // With a bound that this test does not live to see.
  const relay = await startRelay({ SHUTDOWN_TIMEOUT_MS: '600000' })
  const silent = connect(Number(new URL(relay.url).port), '127.0.0.1')
  onTestFinished(() => void silent.destroy())
  await once(silent, 'connect')
  // Taken after it, so that the listener knows both.
  expect((await relay.send(credentialEvent())).status).toBe(202)
  const closed = once(silent, 'close')
  silent.resume()
  await relay.app.stop()
  await closed
})
