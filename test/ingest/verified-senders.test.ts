import { expect, test } from 'vitest'
import { VerifiedSenders } from '../../src/ingest/verified-senders.ts'

const HOUR_MS = 3_600_000

test('an address that nothing verified came from is not known', () => {
  const senders = new VerifiedSenders()
  senders.add('192.0.2.1', 0)
  expect(senders.has('192.0.2.2', 0)).toBe(false)
})

test('an address is known for an hour after the last webhook from it', () => {
  const senders = new VerifiedSenders()
  senders.add('192.0.2.1', 1000)
  expect(senders.has('192.0.2.1', 1000)).toBe(true)
  expect(senders.has('192.0.2.1', 1000 + HOUR_MS)).toBe(true)
  expect(senders.has('192.0.2.1', 1001 + HOUR_MS)).toBe(false)
  senders.add('192.0.2.1', 2000 + HOUR_MS)
  expect(senders.has('192.0.2.1', 2000 + 2 * HOUR_MS)).toBe(true)
  expect(senders.has('192.0.2.1', 2001 + 2 * HOUR_MS)).toBe(false)
})

test('asking for an address does not make it known for longer', () => {
  const senders = new VerifiedSenders()
  senders.add('192.0.2.1', 0)
  expect(senders.has('192.0.2.1', HOUR_MS)).toBe(true)
  expect(senders.has('192.0.2.1', HOUR_MS + 1)).toBe(false)
})

test('of more than ten thousand addresses, those that sent last are kept', () => {
  const senders = new VerifiedSenders()
  for (let n = 0; n < 10_000; n++) senders.add(`address ${n}`, n)
  expect(senders.has('address 0', 10_000)).toBe(true)
  senders.add('address 0', 10_000)
  senders.add('one more', 10_001)
  const asked = ['address 0', 'address 1', 'address 2', 'address 9999', 'one more']
  expect(asked.filter((address) => !senders.has(address, 10_001))).toEqual(['address 1'])
})
