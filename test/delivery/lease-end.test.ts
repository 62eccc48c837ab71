import { expect, test } from 'vitest'
import { LeaseEnd } from '../../src/delivery/lease-end.ts'
import type { Lease } from '../../src/delivery/window.ts'
import type { SettleResult } from '../../src/store/store.ts'
import { delivery } from './window-model.ts'

const record = { durationMs: 5, status: 204, errorCode: null, answer: null }

test('a lease that was renewed while its outcome was written is settled once more, without a second attempt in the history', () => {
  const { lease, end, answers } = endOfLease()
  const first = end.settlement()
  lease.delivery = { ...lease.delivery, leaseToken: 2 }
  expect(end.answered('lease_lost', first)).toBe(true)
  expect(answers).toEqual([])
  const second = end.settlement()
  expect([first, second]).toMatchObject([
    { leaseToken: 1, record },
    { leaseToken: 2, record: null, next: { state: 'delivered' } },
  ])
  expect(end.answered('settled', second)).toBe(false)
  expect(answers).toEqual(['settled'])
})

test('a lease that somebody else has by now is left to them', () => {
  const { end, answers } = endOfLease()
  expect(end.answered('lease_lost', end.settlement())).toBe(false)
  expect(answers).toEqual(['lease_lost'])
})

function endOfLease() {
  const lease: Lease = { delivery: delivery(1), bytes: 2, leasedAt: 0, state: 'settling' }
  const answers: SettleResult[] = []
  const end = new LeaseEnd(lease, { state: 'delivered' }, { kind: 'delivered', record }, (result) =>
    answers.push(result),
  )
  return { lease, end, answers }
}
