import { describe, expect, test } from 'vitest'
import { readOptions } from './options.ts'
import { planOf } from './plan.ts'
import { run } from './run.ts'
import { inParts } from './soak/soak.ts'

/** Short enough for every run of the tests. `npm run torture` is the long form. */
const SHORT = ['--seconds', '5', '--kills', '4', '--drain', '5']

describe.concurrent('a short torture', { timeout: 240_000 }, () => {
  test.each(['sqlite', 'postgres'] as const)(
    'on %s: what was answered, what is stored and what arrived agree',
    async (store) => {
      const options = readOptions(SHORT, Math.floor(Math.random() * 1_000_000))
      const { faults, figures } = await run(store, options, () => {})
      expect({ seed: options.seed, faults }).toEqual({ seed: options.seed, faults: [] })
      expect(figures.accepted).toBeGreaterThan(10)
      expect(figures.arrivals).toBeGreaterThan(10)
      expect(figures.kills).toBeGreaterThanOrEqual(4)
    },
  )
})

test('the same seed gives the same plan, and another seed another one', () => {
  const plan = (seed: number) =>
    planOf({
      seed,
      store: 'postgres',
      seconds: 60,
      kills: 10,
      replicas: 2,
      canFillDisk: false,
      isSoak: false,
    })
  expect(plan(7)).toEqual(plan(7))
  expect(plan(7)).not.toEqual(plan(8))
})

test('a plan has every fault in it, in order of time and within the run', () => {
  const options = { seed: 3, seconds: 180, kills: 45, replicas: 2, isSoak: false }
  const plan = [
    ...planOf({ ...options, store: 'postgres', canFillDisk: false, isSoak: false }),
    ...planOf({ ...options, store: 'sqlite', canFillDisk: true }),
  ]
  const kinds = new Set(plan.map((action) => (action.on === 'replica' ? action.action.kind : action.on)))
  expect(kinds).toEqual(
    new Set([
      'kill',
      'kill-while-starting',
      'stop',
      'pause',
      'receiver',
      'hooks',
      'person',
      'database',
      'disk',
    ]),
  )
  expect(plan.every(({ atMs }) => atMs >= 0 && atMs <= 180_000)).toBe(true)
})

test.each([
  [['--soak'], { seconds: 1200, kills: 0, isSoak: true }],
  [[], { seconds: 180, kills: 45, stores: ['sqlite', 'postgres'], seed: 5 }],
  [['--seed', '12', '--kills', '0', '--store', 'sqlite'], { seed: 12, kills: 0, stores: ['sqlite'] }],
])('the options %j', (args, options) => {
  expect(readOptions(args, 5)).toMatchObject(options)
})

test('a soak has no fault that ends a process, and is cut in two for its early look', () => {
  const plan = planOf({
    seed: 3,
    store: 'postgres',
    seconds: 1200,
    kills: 0,
    replicas: 2,
    canFillDisk: false,
    isSoak: true,
  })
  const onReplicas = plan.flatMap((action) => (action.on === 'replica' ? [action.action.kind] : []))
  expect(new Set(onReplicas)).toEqual(new Set(['pause']))
  const parts = inParts(plan, 1200)
  expect(parts.map(({ seconds }) => seconds)).toEqual([180, 1020])
  expect(parts.map((part) => part.plan.length).reduce((sum, length) => sum + length, 0)).toBe(plan.length)
  for (const part of parts)
    expect(part.plan.every(({ atMs }) => atMs >= 0 && atMs <= part.seconds * 1000)).toBe(true)
})

test('a soak takes no kills', () => {
  expect(() => readOptions(['--soak', '--kills', '3'], 5)).toThrow('--kills')
})

test.each([
  ['--seconds', 'ten'],
  ['--store', 'mysql'],
  ['--sead', '1'],
])('%s %s is refused', (...args) => {
  expect(() => readOptions(args, 5)).toThrow(args[0])
})
