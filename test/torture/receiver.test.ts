import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'
import type { Arrival } from './ledgers.ts'
import { TortureReceiver } from './receiver.ts'

const LONGEST_ANSWER_MS = 600

test('an answer that falls due when its connection was just closed is not written down as given', async () => {
  const arrivals: Arrival[] = []
  const receiver = await TortureReceiver.start('plain', newSecret(), arrivals, 1)
  onTestFinished(() => receiver.stop())
  await receiver.turn('slow')
  const answer = fetch(receiver.url, { method: 'POST', body: '{}' }).catch(() => null)
  await until('the request', () => arrivals.length === 1)

  // The timer of the stop and, after it, that of the answer are both late, as on a busy machine: they fire in one turn, and
  // only after it is the response told that its connection is closed.
  const stopped = delay(1).then(() => receiver.stop())
  const from = performance.now()
  while (performance.now() - from < LONGEST_ANSWER_MS);
  await stopped

  expect(await answer).toBe(null)
  expect(arrivals).toMatchObject([{ status: null, answeredAt: null }])
})
