import { expect, onTestFinished, test } from 'vitest'
import { createReconciliation } from '../../src/reconcile/reconciliation.ts'
import type { Reconciliation } from '../../src/reconcile/reconciliation.ts'
import { readConfig } from '../../src/config.ts'
import { systemClock } from '../../src/time/clock.ts'
import { startRelay } from '../support/relay.ts'
import type { SeamStub } from '../support/seam-stub.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { KEY, WORKSPACE, eventFrom, reconciling, seam } from './support.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const quiet = { info() {}, warn() {}, error() {}, debug() {}, trace() {}, fatal() {} }

/** A relay without a key, and what an app with one would have beside it, which is not started. */
async function beside(
  stub: SeamStub,
): Promise<{ reconciliation: Reconciliation; reader: Reader; taken: string[] }> {
  const { app } = await startRelay()
  const { reconciliation: settings } = readConfig({
    ...reconciling(stub),
    SEAM_WEBHOOK_SECRET: newSecret(),
    HOOKS: '[]',
  })
  const taken: string[] = []
  const reconciliation = createReconciliation({
    settings,
    store: app.store,
    reader: app.reader,
    async receive(_, messageId) {
      taken.push(messageId)
      return { status: 'accepted' }
    },
    acceptEventTypes: ['acs_credential.*'],
    rememberedMs: 400 * DAY_MS,
    clock: systemClock,
    log: quiet as never,
    random: Math.random,
    onMissed: () => {},
    onGap: () => {},
  })
  if (reconciliation === null) throw new Error('there is a key')
  onTestFinished(() => reconciliation.stop())
  return { reconciliation, reader: app.reader, taken }
}
type Reader = Awaited<ReturnType<typeof startRelay>>['app']['reader']

test('a dry run counts and takes nothing in, and then the span is taken in', async () => {
  const stub = await seam()
  stub.eventsOf(KEY).push(eventFrom(50 * MINUTE_MS), eventFrom(5 * MINUTE_MS))
  const { reconciliation, taken } = await beside(stub)
  const since = Date.now() - 60 * MINUTE_MS
  expect(await reconciliation.reconcileSpan({ since, dryRun: true })).toEqual({
    checked: 2,
    missed: 2,
    recovered: 0,
  })
  expect(taken).toEqual([])
  const until = Date.now() - 30 * MINUTE_MS
  expect(await reconciliation.reconcileSpan({ since, until, dryRun: false })).toMatchObject({
    checked: 1,
    missed: 1,
    recovered: 1,
  })
  expect(taken).toHaveLength(1)
  expect(await reconciliation.reconcileSpan({ since: Date.now() + MINUTE_MS, dryRun: true })).toMatchObject({
    checked: 0,
  })
})

test('a span that reaches back to where ids are forgotten is refused, and a key that Seam refuses is told', async () => {
  const stub = await seam()
  const { reconciliation } = await beside(stub)
  const asked = { since: Date.now() - 401 * DAY_MS, dryRun: true }
  await expect(reconciliation.reconcileSpan(asked)).rejects.toMatchObject({ code: 'span_too_old' })
  stub.revoke(KEY)
  const refused = reconciliation.reconcileSpan({ since: Date.now() - MINUTE_MS, dryRun: true })
  await expect(refused).rejects.toMatchObject({
    code: 'unauthorized',
    message: expect.stringContaining('SEAM_API_KEY'),
  })
})

test('the overview tells how far each workspace is confirmed, what was missed there, and what fails', async () => {
  const stub = await seam()
  const [old, young] = [eventFrom(50 * MINUTE_MS), eventFrom(5 * MINUTE_MS)]
  stub.eventsOf(KEY).push(old, young)
  const { reconciliation } = await beside(stub)
  reconciliation.start()
  await expect
    .poll(async () => (await reconciliation.reconciliationOverview())[0]?.shown.missed, { timeout: 20_000 })
    .toBe(2)
  const [told] = await reconciliation.reconciliationOverview()
  expect(told?.facts).toMatchObject({
    workspaceId: WORKSPACE,
    recovered: { count: 2, since: Date.parse(old.created_at), until: Date.parse(young.created_at) },
    gaps: [],
    failing: null,
  })
  expect(told?.shown).toMatchObject({
    workspace_id: WORKSPACE,
    oldest_answer_at: old.created_at,
    checked: 2,
    recovered: 2,
  })
  expect(told?.shown.lag_ms).toBeLessThan(60_000)
})
