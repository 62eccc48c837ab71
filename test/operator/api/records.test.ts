import { expect, test } from 'vitest'
import { credentialEvent } from '../../support/credential-event.ts'
import { operatorOf } from '../../support/operator-call.ts'
import type { Json } from '../../support/operator-call.ts'
import { startRelay } from '../../support/relay.ts'
import { newSecret, signedWebhook } from '../../support/signed-webhook.ts'

test('the overview answers in a sentence, and says what its caller may do', async () => {
  const relay = await startRelay({ OPERATOR_TOKEN: 'correct horse', OPERATOR_READ_TOKEN: 'battery staple' })
  await relay.send(credentialEvent())
  const act = await (await operatorOf(relay.app, 'correct horse')).get('/api/overview')
  expect(act.body).toMatchObject({ verdict: 'ok', findings: [], may: 'act', reconciliation: null })
  expect(act.body['sentence']).toContain('Nothing is lost')
  const read = await (await operatorOf(relay.app, 'battery staple')).get('/api/overview')
  expect(read.body['may']).toBe('read')
})

test('a refused webhook is listed with its likely cause, and nothing of what it carried', async () => {
  const relay = await startRelay()
  await relay.post(signedWebhook(newSecret(), JSON.stringify({ ...credentialEvent(), code: 'hidden' })))
  const { body, text } = await (await operatorOf(relay.app)).get('/api/refusals')
  expect(body).toMatchObject({
    total: 1,
    items: [
      {
        code: 'signature_mismatch',
        address: '127.0.0.1',
        text: expect.stringContaining('another secret') as string,
      },
    ],
  })
  expect(text).not.toContain('hidden')
})

test('actions are paged, newest first', async () => {
  const relay = await startRelay()
  for (let count = 0; count < 5; count++)
    await relay.app.store.recordAction({
      actor: 'operator',
      action: 'replay',
      target: String(count),
      about: { count },
    })
  const operator = await operatorOf(relay.app)
  const first = (await operator.get('/api/actions?limit=3')).body
  expect(first['items'].map((one: Json) => one.target)).toEqual(['4', '3', '2'])
  const second = (await operator.get(`/api/actions?limit=3&cursor=${encodeURIComponent(first['cursor'])}`))
    .body
  expect(second).toMatchObject({
    items: [{ target: '1' }, { target: '0', about: { count: 0 } }],
    cursor: null,
  })
})

test('counts are summed up by step, and a span of too many steps is refused', async () => {
  const relay = await startRelay()
  const count = (kind: 'accepted' | 'refused' | 'delivered' | 'latency', hook = '', code = '') => ({
    kind,
    hook,
    code,
    count: 2,
  })
  await relay.app.store.record({
    counts: [
      count('accepted'),
      count('refused', '', 'signature_mismatch'),
      count('delivered', 'one'),
      count('latency', 'one', '100'),
      count('latency', 'two', '100'),
    ],
    activity: [],
    skipped: 0,
  })
  const operator = await operatorOf(relay.app)
  const { body } = await operator.get('/api/counts?step=3600')
  expect(body).toMatchObject({
    step_ms: 3_600_000,
    items: [
      {
        accepted: 2,
        duplicate: 0,
        refused: { signature_mismatch: 2 },
        hooks: { one: { delivered: 2, failed: 0, dead: 0 } },
        latency_ms: { 100: 4 },
      },
    ],
  })
  for (const query of ['since=2020-01-01T00:00:00Z', 'step=61', 'step=0', 'step=90000'])
    expect((await operator.get(`/api/counts?${query}`)).status).toBe(400)
  const ahead = await operator.get('/api/counts?since=2999-01-01T00:00:00Z')
  expect(ahead.body['items']).toEqual([])
})

test('without a key of Seam there is no reconciliation to ask for', async () => {
  const relay = await startRelay()
  const operator = await operatorOf(relay.app)
  const { status, body } = await operator.post('/api/reconcile', { since: '2026-01-01T00:00:00Z' })
  expect([status, body['code']]).toEqual([409, 'reconciliation_off'])
})
