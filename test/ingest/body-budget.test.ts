import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BodyBudget } from '../../src/ingest/body-budget.ts'
import type { BodyHold } from '../../src/ingest/body-budget.ts'
import { ManualClock } from '../support/manual-clock.ts'

const MIB = 1_048_576

test('one stranger gets 8 MiB', () => {
  const { budget } = newBudget()
  expect(fill(budget, '192.0.2.1')).toBe(8 * MIB)
  expect(fill(budget, '192.0.2.2')).toBe(8 * MIB)
})

test('all strangers together get 24 MiB, and those who have verified their 48 MiB besides', () => {
  const { budget } = newBudget()
  const strangers = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']
  expect(strangers.map((address) => fill(budget, address))).toEqual([8 * MIB, 8 * MIB, 8 * MIB, 0])
  expect(fill(budget, null)).toBe(48 * MIB)
})

test('what is released can be taken again, once', () => {
  const { budget } = newBudget()
  const hold = budget.open('192.0.2.1')
  expect(hold.growTo(8 * MIB)).toBe(true)
  hold.release()
  hold.release()
  expect(fill(budget, '192.0.2.1')).toBe(8 * MIB)
})

test('a body as large as BODY_LIMIT_BYTES has room, whatever that is', () => {
  const { budget } = newBudget(64 * MIB)
  expect(budget.open('192.0.2.1').growTo(64 * MIB)).toBe(true)
})

test('a body that has been arriving for a second makes room for another, the oldest first', () => {
  const { budget, clock } = newBudget()
  const cut: string[] = []
  const open = (name: string, bytes: number) => {
    const hold = budget.open('192.0.2.1')
    hold.onCut = () => cut.push(name)
    expect(hold.growTo(bytes)).toBe(true)
    return hold
  }
  open('first', 4 * MIB)
  clock.advance(500)
  open('second', 4 * MIB)
  clock.advance(499)
  expect(budget.open('192.0.2.1').growTo(1)).toBe(false)
  clock.advance(1)
  open('third', 1)
  expect(cut).toEqual(['first'])
})

test('a body that is whole, or another address takes, is not cut', () => {
  const { budget, clock } = newBudget()
  const whole = budget.open('192.0.2.1')
  whole.growTo(8 * MIB)
  whole.arrived()
  const other = budget.open('192.0.2.2')
  other.growTo(MIB)
  clock.advance(60_000)
  expect(budget.open('192.0.2.1').growTo(1)).toBe(false)
  expect([whole.bytes, other.bytes]).toEqual([8 * MIB, MIB])
})

test('a body that was cut takes nothing any more', () => {
  const { budget, clock } = newBudget()
  const slow = budget.open(null)
  slow.growTo(48 * MIB)
  clock.advance(1000)
  expect(budget.open(null).growTo(MIB)).toBe(true)
  expect(slow.growTo(2)).toBe(false)
  expect(slow.bytes).toBe(0)
})

test('whatever is opened, grown and released, no share is ever exceeded and all of it comes back', () => {
  const address = fc.constantFrom(null, '192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4')
  const step = fc.oneof(
    fc.record({ kind: fc.constant('open' as const), address }),
    fc.record({ kind: fc.constant('grow' as const), at: fc.nat(), bytes: fc.nat({ max: 9 * MIB }) }),
    fc.record({ kind: fc.constantFrom('release' as const, 'arrived' as const), at: fc.nat() }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.nat({ max: 1500 }) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { budget, clock } = newBudget()
      const holds: { hold: BodyHold; address: string | null }[] = []
      const bytesOf = (wanted: (address: string | null) => boolean) =>
        holds.reduce((sum, { hold, address }) => sum + (wanted(address) ? hold.bytes : 0), 0)
      for (const one of steps) {
        if (one.kind === 'open') holds.push({ hold: budget.open(one.address), address: one.address })
        if (one.kind === 'grow') holds[one.at % holds.length]?.hold.growTo(one.bytes)
        if (one.kind === 'release') holds[one.at % holds.length]?.hold.release()
        if (one.kind === 'arrived') holds[one.at % holds.length]?.hold.arrived()
        if (one.kind === 'wait') clock.advance(one.ms)
        expect(bytesOf((of) => of === null)).toBeLessThanOrEqual(48 * MIB)
        expect(bytesOf((of) => of !== null)).toBeLessThanOrEqual(24 * MIB)
        expect(bytesOf((of) => of === '192.0.2.1')).toBeLessThanOrEqual(8 * MIB)
      }
      for (const { hold } of holds) hold.release()
      expect(fill(budget, null)).toBe(48 * MIB)
      expect(fill(budget, '192.0.2.1')).toBe(8 * MIB)
    }),
  )
})

function newBudget(maxBodyBytes = 262_144) {
  const clock = new ManualClock()
  return { clock, budget: new BodyBudget(clock, maxBodyBytes) }
}

/** Opens bodies of 1 MiB until one has no room, and gives the bytes that had. */
function fill(budget: BodyBudget, stranger: string | null): number {
  let bytes = 0
  while (budget.open(stranger).growTo(MIB)) bytes += MIB
  return bytes
}
