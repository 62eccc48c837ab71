import { expect, test } from 'vitest'
import { hookTo, startReceiver, startRelay } from '../../support/relay.ts'
import type { Relay } from '../../support/relay.ts'
import { KEY, WORKSPACE, eventFrom, reconciling, seam } from '../../reconcile/support.ts'

const MINUTE_MS = 60_000

async function ask(relay: Relay, body: object): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${relay.operatorUrl}/api/reconcile`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

test('a span is counted first and then taken in, and the overview tells of its workspace', async () => {
  const [stub, receiver] = [await seam(), await startReceiver()]
  // It looks back for two hours by itself, so this one is a person's to find.
  const event = eventFrom(300 * MINUTE_MS)
  stub.eventsOf(KEY).push(event)
  const relay = await startRelay({ ...reconciling(stub), ...hookTo(receiver) })
  const since = new Date(Date.now() - 360 * MINUTE_MS).toISOString()
  const dry = await ask(relay, { since, dry_run: true })
  expect(dry).toEqual({ status: 200, body: { checked: 1, missed: 1, recovered: 0 } })
  expect(await ask(relay, { since })).toMatchObject({ body: { checked: 1, missed: 1, recovered: 1 } })
  expect(await ask(relay, { since })).toMatchObject({ body: { checked: 1, missed: 0, recovered: 0 } })
  await receiver.hasReceived(1)
  expect(receiver.ids).toEqual([event.event_id])
  const overview = (await (await fetch(`${relay.operatorUrl}/api/overview`)).json()) as Record<
    string,
    unknown
  >
  expect(overview['reconciliation']).toMatchObject({ workspaces: [{ workspace_id: WORKSPACE, missed: 1 }] })
  expect(overview['findings']).toContainEqual(
    expect.objectContaining({ kind: 'missed_events', text: expect.stringContaining('1 event missed') }),
  )
})

test('what cannot be compared is refused with its reason', async () => {
  const stub = await seam()
  const relay = await startRelay(reconciling(stub))
  const tooOld = await ask(relay, { since: '2020-01-01T00:00:00Z' })
  expect(tooOld).toMatchObject({ status: 400, body: { code: 'request_invalid' } })
  expect(tooOld.body['detail']).toContain('DEDUP_RETENTION_DAYS')
  stub.revoke(KEY)
  const refused = await ask(relay, { since: new Date(Date.now() - MINUTE_MS).toISOString() })
  expect(refused).toMatchObject({ status: 502, body: { code: 'reconciliation_failed' } })
  expect(refused.body['detail']).toContain('SEAM_API_KEY')
})
