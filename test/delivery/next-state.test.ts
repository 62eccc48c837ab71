import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Hook } from '../../src/config/hook.ts'
import { nextState, retryDelayMs } from '../../src/delivery/next-state.ts'
import type { Tried } from '../../src/delivery/next-state.ts'
import type { Outcome } from '../../src/delivery/outcome.ts'
import type { AttemptRecord } from '../../src/store/store.ts'

const record: AttemptRecord = { durationMs: 5, status: 500, errorCode: 'http_status', answer: null }
const retry = { initialDelayMs: 1000, maxDelayMs: 60_000, giveUpAfterMs: 600_000 }

describe('after an attempt', () => {
  test.each<[string, Outcome, ReturnType<typeof nextState>]>([
    ['that was answered well, it is delivered', { kind: 'delivered', record }, { state: 'delivered' }],
    ['that was answered 410, it is dead', { kind: 'refused', record }, { state: 'dead', failures: 4 }],
    [
      'that was interrupted, it is due at once and no failure is counted',
      { kind: 'interrupted', record },
      { state: 'pending', delayMs: 0, failures: 3 },
    ],
    [
      'that failed, it is due again later and the failure is counted',
      failed(),
      { state: 'pending', delayMs: 6000, failures: 4 },
    ],
    [
      'that failed with a Retry-After, it is due no sooner',
      failed(30_000),
      { state: 'pending', delayMs: 32_000, failures: 4 },
    ],
  ])('%s', (_what, outcome, expected) => {
    expect(nextState(outcome, tried(3, 1000), retry, 0.5)).toEqual(expected)
  })

  test.each<Outcome>([
    { kind: 'delivered', record },
    { kind: 'interrupted', record },
  ])('that was $kind, its age does not matter', (outcome) => {
    const young = nextState(outcome, tried(3, 0), retry, 0.5)
    expect(nextState(outcome, tried(3, 1e12), retry, 0.5)).toEqual(young)
  })
})

describe('giving up', () => {
  test.each([
    [600_000, { state: 'dead', failures: 21 }],
    [600_001, { state: 'dead', failures: 21 }],
    [599_999, { state: 'pending', delayMs: 1, failures: 21 }],
    [570_000, { state: 'pending', delayMs: 30_000, failures: 21 }],
    [560_000, { state: 'pending', delayMs: 30_000, failures: 21 }],
  ])('at an age of %d ms of 600000: %j', (ageMs, expected) => {
    expect(nextState(failed(), tried(20, ageMs), retry, 0)).toEqual(expected)
  })

  test('comes at once where no time is given to try again', () => {
    const never = { ...retry, giveUpAfterMs: 0 }
    expect(nextState(failed(), tried(0, 0), never, 0)).toEqual({ state: 'dead', failures: 1 })
  })

  test.each([
    ['of many, if the first was a moment ago', { failures: 20, ageMs: 1e9, failingForMs: 5 }],
    ['that is its first', { failures: 0, ageMs: 1e9, failingForMs: 1e9 }],
    ['that is its second', { failures: 1, ageMs: 1e9, failingForMs: 1e9 }],
  ])('does not come after a failure %s, however old the delivery is', (_which, before) => {
    expect(nextState(failed(), before, retry, 0)).toMatchObject({ state: 'pending' })
  })

  test('needs an hour of failures where the time to try is longer', () => {
    const days = { ...retry, giveUpAfterMs: 259_200_000 }
    const old = { failures: 20, ageMs: 1e9 }
    expect(nextState(failed(), { ...old, failingForMs: 3_599_000 }, days, 0)).toEqual({
      state: 'pending',
      delayMs: 1000,
      failures: 21,
    })
    expect(nextState(failed(), { ...old, failingForMs: 3_600_000 }, days, 0)).toMatchObject({ state: 'dead' })
  })

  test('needs age, three failures and their span together, whatever the numbers', () => {
    const longPolicy = policy().map((some) => ({ ...some, giveUpAfterMs: some.giveUpAfterMs * 2000 }))
    const span = fc.nat({ max: 10_000_000 })
    fc.assert(
      fc.property(
        longPolicy,
        fc.nat({ max: 6 }),
        span,
        span,
        jitter(),
        (some, failures, ageMs, for_, random) => {
          const { state } = nextState(failed(), { failures, ageMs, failingForMs: for_ }, some, random)
          const isEnough =
            failures + 1 >= 3 &&
            ageMs >= some.giveUpAfterMs &&
            for_ >= Math.min(some.giveUpAfterMs, 3_600_000)
          expect(state).toBe(isEnough ? 'dead' : 'pending')
        },
      ),
    )
  })

  test('after an outage comes with the usual delays, an hour after the first failure at the latest', () => {
    const usual = { initialDelayMs: 1000, maxDelayMs: 3_600_000, giveUpAfterMs: 259_200_000 }
    fc.assert(
      fc.property(jitter(), fc.integer({ min: usual.giveUpAfterMs, max: 1e10 }), (random, ageMs) => {
        const attempts = attemptsUntilDead(usual, random, null, ageMs)
        expect(attempts.length).toBeGreaterThan(3)
        expect(attempts.at(-1)?.ageMs).toBe(ageMs + 3_600_000)
      }),
    )
  })

  test('comes when the time is up, or with the third failure if that is later', () => {
    fc.assert(
      fc.property(policy(), jitter(), fc.option(fc.nat()), (retry, random, retryAfterMs) => {
        const attempts = attemptsUntilDead(retry, random, retryAfterMs)
        const last = attempts.at(-1)
        expect(last?.next).toEqual({ state: 'dead', failures: attempts.length })
        expect(attempts.length).toBeGreaterThanOrEqual(3)
        expect(last?.ageMs).toBeGreaterThanOrEqual(retry.giveUpAfterMs)
        expect(attempts.length === 3 || last?.ageMs === retry.giveUpAfterMs).toBe(true)
        for (const [failures, { ageMs, next }] of attempts.slice(0, -1).entries()) {
          expect(failures < 2 || ageMs < retry.giveUpAfterMs).toBe(true)
          expect(next).toMatchObject({ state: 'pending', failures: failures + 1 })
        }
      }),
    )
  })
})

describe('the delay', () => {
  test.each([
    [0, 500, 1000],
    [1, 1000, 2000],
    [2, 2000, 4000],
    [5, 16_000, 32_000],
    [6, 30_000, 60_000],
    [1000, 30_000, 60_000],
  ])('after %d failures lies between %d and %d ms', (failures, least, most) => {
    expect(retryDelayMs(failures, null, retry, 0)).toBe(least)
    expect(retryDelayMs(failures, null, retry, 1 - Number.EPSILON)).toBe(most)
  })

  test('stays between half of the first and the longest, whatever the failures', () => {
    fc.assert(
      fc.property(policy(), fc.nat({ max: 1_000_000 }), jitter(), (retry, failures, random) => {
        const delayMs = retryDelayMs(failures, null, retry, random)
        expect(Number.isSafeInteger(delayMs)).toBe(true)
        expect(delayMs).toBeGreaterThanOrEqual(retry.initialDelayMs / 2)
        expect(delayMs).toBeLessThanOrEqual(retry.maxDelayMs)
      }),
    )
  })

  test('never shrinks with another failure', () => {
    fc.assert(
      fc.property(policy(), fc.nat({ max: 100 }), jitter(), (retry, failures, random) => {
        expect(retryDelayMs(failures + 1, null, retry, random)).toBeGreaterThanOrEqual(
          retryDelayMs(failures, null, retry, random),
        )
      }),
    )
  })

  test('doubles with each failure until it is the longest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), jitter(), (initialDelayMs, random) => {
        const policy = { ...retry, initialDelayMs, maxDelayMs: initialDelayMs * 2 ** 10 }
        const delays = Array.from({ length: 20 }, (_, failures) =>
          retryDelayMs(failures, null, policy, random),
        )
        const doubled = delays.map((_, failures) =>
          Math.round((initialDelayMs / 2) * (1 + random) * 2 ** Math.min(failures, 10)),
        )
        expect(delays).toEqual(doubled)
      }),
    )
  })

  test('is spread by the jitter over the upper half', () => {
    const delays = Array.from({ length: 100 }, (_, step) => retryDelayMs(3, null, retry, step / 100))
    expect(new Set(delays).size).toBe(100)
    expect(Math.min(...delays)).toBe(4000)
    expect(Math.max(...delays)).toBe(7960)
  })

  test('is the same for the same arguments', () => {
    fc.assert(
      fc.property(policy(), fc.nat(), fc.option(fc.nat()), jitter(), (retry, failures, asked, random) => {
        expect(retryDelayMs(failures, asked, retry, random)).toBe(
          retryDelayMs(failures, asked, retry, random),
        )
      }),
    )
  })
})

describe("a receiver's Retry-After", () => {
  test('is waited for, as long as that is no more than the longest delay', () => {
    fc.assert(
      fc.property(policy(), fc.nat(), fc.nat(), jitter(), (retry, failures, askedMs, random) => {
        const delayMs = retryDelayMs(failures, askedMs, retry, random)
        expect(delayMs).toBeGreaterThanOrEqual(Math.min(askedMs, retry.maxDelayMs))
        expect(delayMs).toBeGreaterThanOrEqual(retryDelayMs(failures, null, retry, random))
      }),
    )
  })

  test('puts it off by the longest delay and its jitter at the most', () => {
    fc.assert(
      fc.property(policy(), fc.nat(), fc.nat(), jitter(), (retry, failures, askedMs, random) => {
        const delayMs = retryDelayMs(failures, askedMs, retry, random)
        expect(delayMs).toBeLessThanOrEqual(Math.ceil(retry.maxDelayMs * 1.5))
      }),
    )
    expect(retryDelayMs(0, 1e12, retry, 0)).toBe(60_000)
  })

  test('is spread by the jitter, so that those it was told to do not come back together', () => {
    const delays = Array.from({ length: 100 }, (_, step) => retryDelayMs(3, 20_000, retry, step / 100))
    expect(new Set(delays).size).toBe(100)
    expect(Math.min(...delays)).toBe(20_000)
  })

  test('of nothing changes nothing', () => {
    expect(retryDelayMs(3, 0, retry, 0.3)).toBe(retryDelayMs(3, null, retry, 0.3))
  })
})

function failed(retryAfterMs: number | null = null): Outcome {
  return { kind: 'failed', record, retryAfterMs }
}

/** A delivery that has failed ever since it was accepted. */
function tried(failures: number, ageMs: number): Tried {
  return { failures, ageMs, failingForMs: ageMs }
}

/** One failing attempt after the other, each as soon as it may be; with its age, and what was decided after it. */
function attemptsUntilDead(
  retry: Hook['retry'],
  random: number,
  retryAfterMs: number | null,
  firstAgeMs = 0,
) {
  const attempts = []
  for (let ageMs = firstAgeMs; attempts.length <= retry.giveUpAfterMs + 3;) {
    const before = { failures: attempts.length, ageMs, failingForMs: ageMs - firstAgeMs }
    const next = nextState(failed(retryAfterMs), before, retry, random)
    attempts.push({ ageMs, next })
    if (next.state !== 'pending') return attempts
    ageMs += next.delayMs
  }
  throw new Error('it was never given up')
}

function policy(): fc.Arbitrary<Hook['retry']> {
  return fc
    .tuple(fc.integer({ min: 1, max: 1000 }), fc.nat({ max: 1000 }), fc.integer({ min: 1, max: 5000 }))
    .map(([initialDelayMs, more, giveUpAfterMs]) => ({
      initialDelayMs,
      maxDelayMs: initialDelayMs + more,
      giveUpAfterMs,
    }))
}

function jitter(): fc.Arbitrary<number> {
  return fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
}
