import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CLOSED, afterFailure, afterSuccess, allowanceOf } from '../../src/delivery/breaker.ts'
import type { Breaker } from '../../src/delivery/breaker.ts'

const policy = { failures: 3, cooldownMs: 1000 }

test('it opens with so many failures in a row, and a success in between starts the count anew', () => {
  let breaker = afterFailure(afterFailure(CLOSED, policy, 0), policy, 0)
  expect(breaker.state).toBe('closed')
  breaker = afterSuccess(breaker, 16)
  breaker = afterFailure(afterFailure(breaker, policy, 0), policy, 0)
  expect(breaker.state).toBe('closed')
  expect(afterFailure(breaker, policy, 5)).toEqual({ state: 'open', probeAt: 1005 })
})

test.each([
  ['closed', CLOSED, 0, Number.POSITIVE_INFINITY],
  ['open, cooling down', { state: 'open', probeAt: 1000 }, 999, 0],
  ['open, cooled down', { state: 'open', probeAt: 1000 }, 1000, 1],
  ['recovering', { state: 'recovering', allowance: 4 }, 0, 4],
] as const)('%s, it allows so many at one time', (_what, breaker, now, allowance) => {
  expect(allowanceOf(breaker, now)).toBe(allowance)
})

test('what was under way when it opened does not put the probe off', () => {
  const open: Breaker = { state: 'open', probeAt: 1000 }
  expect(afterFailure(open, policy, 500)).toBe(open)
})

test('a probe that fails opens it for another cool-down', () => {
  expect(afterFailure({ state: 'open', probeAt: 1000 }, policy, 1200)).toEqual({
    state: 'open',
    probeAt: 2200,
  })
})

test('a probe that succeeds lets the rest follow gently, twice as many with each success, until it is closed', () => {
  let breaker: Breaker = { state: 'open', probeAt: 0 }
  const allowances: number[] = []
  while (breaker.state !== 'closed') {
    breaker = afterSuccess(breaker, 16)
    allowances.push(allowanceOf(breaker, 0))
  }
  expect(allowances).toEqual([2, 4, 8, Number.POSITIVE_INFINITY])
})

test('one failure while it recovers opens it again', () => {
  expect(afterFailure({ state: 'recovering', allowance: 8 }, policy, 50)).toEqual({
    state: 'open',
    probeAt: 1050,
  })
})

test('a hook with a concurrency of one is closed by its probe', () => {
  expect(afterSuccess({ state: 'open', probeAt: 0 }, 1)).toEqual(CLOSED)
})

test('whatever comes, an open breaker allows nothing before its time and one success is never followed by a flood', () => {
  const ceilings = {
    closed: () => Number.POSITIVE_INFINITY,
    open: () => 1,
    recovering: (before: number) => Math.max(2, before * 2),
  }
  fc.assert(
    fc.property(fc.array(fc.record({ ok: fc.boolean(), afterMs: fc.nat(2000) })), (steps) => {
      let breaker: Breaker = CLOSED
      let now = 0
      for (const { ok, afterMs } of steps) {
        now += afterMs
        const before = allowanceOf(breaker, now)
        breaker = ok ? afterSuccess(breaker, 1024) : afterFailure(breaker, policy, now)
        const allowed = allowanceOf(breaker, now)
        expect(allowed === 0).toBe(breaker.state === 'open' && now < breaker.probeAt)
        expect(allowed).toBeLessThanOrEqual(ceilings[breaker.state](before))
      }
    }),
  )
})
