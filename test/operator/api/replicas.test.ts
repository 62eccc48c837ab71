import { expect, test } from 'vitest'
import { follow, happen } from '../../support/activity.ts'
import { credentialEvent } from '../../support/credential-event.ts'
import { operatorOf } from '../../support/operator-call.ts'
import { newDatabase } from '../../support/postgres.ts'
import { hookTo, startReceiver, startRelay } from '../../support/relay.ts'
import type { Relay } from '../../support/relay.ts'
import { until } from '../../support/until.ts'

test('whatever replica a person asks, they are known there and see the same', async () => {
  const receiver = await startReceiver()
  const settings = { ...hookTo(receiver), DATABASE_URL: await newDatabase(), OPERATOR_TOKEN: 'correct horse' }
  const [one, other] = [await startRelay(settings), await startRelay(settings)]
  const cookie = await signIn(one)
  const seen = await other.app.operatorListener.inject({ url: '/api/overview', headers: { cookie } })
  expect(seen.statusCode).toBe(200)

  const stream = await follow(other, { cookie })
  await happen(one, 'a')
  await until('it to be told at the other replica', () => stream.text.includes('"id":"a"'))

  const event = credentialEvent()
  await one.send(event)
  const [asOne, asOther] = [
    await operatorOf(one.app, 'correct horse'),
    await operatorOf(other.app, 'correct horse'),
  ]
  await until('it to be delivered', async () => {
    const { body } = await asOther.get(`/api/events/${event.event_id}`)
    return body['deliveries'][0].state === 'delivered'
  })
  await asOne.post('/api/hooks/one/pause', { reason: 'a test' })
  expect(await other.app.reader.pauses()).toMatchObject([{ hook: 'one', reason: 'a test' }])
  expect((await asOther.get('/api/actions')).body['items']).toMatchObject([{ action: 'pause_hook' }])
  for (const url of [
    '/api/events',
    '/api/deliveries',
    '/api/failures',
    '/api/counts',
    '/api/search?q=x',
    '/api/quarantine',
    '/api/replays',
  ])
    expect((await asOther.get(url)).status).toBe(200)
})

async function signIn({ app }: Relay): Promise<string> {
  const payload = { token: 'correct horse' }
  const answer = await app.operatorListener.inject({ method: 'POST', url: '/session', payload })
  return String(answer.headers['set-cookie']).split(';')[0] as string
}
