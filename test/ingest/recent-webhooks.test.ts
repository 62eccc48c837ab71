import { expect, test } from 'vitest'
import { RecentWebhooks } from '../../src/ingest/recent-webhooks.ts'

test('the newest 200 refusals are kept, newest first, and all are counted', () => {
  const recent = new RecentWebhooks()
  for (let n = 0; n < 1000; n++)
    recent.refused({ at: n, code: 'signature_mismatch', address: '192.0.2.7', isKnownSender: false })
  const kept = recent.refusals()
  expect(kept).toHaveLength(200)
  expect([kept[0]?.at, kept.at(-1)?.at]).toEqual([999, 800])
  expect(recent.refusedTotal).toBe(1000)
})

test('nothing was verified until something is', () => {
  const recent = new RecentWebhooks()
  expect(recent.lastVerifiedAt).toBe(null)
  recent.verified(7)
  expect(recent.lastVerifiedAt).toBe(7)
})
