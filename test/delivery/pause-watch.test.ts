import { expect, test } from 'vitest'
import { PauseWatch } from '../../src/delivery/pause-watch.ts'
import { createLogger } from '../../src/observability/logger.ts'
import type { HookPause } from '../../src/store/records.ts'
import { StoreError } from '../../src/store/store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/until.ts'

test('nothing is known before the store has answered, and it is asked again until it does', async () => {
  const { watch, questions, clock, known } = started()
  await (await questions.next()).fail()
  expect(watch.isKnown).toBe(false)
  clock.advance(2000)
  await (await questions.next()).answer('a')
  expect(watch.isKnown).toBe(true)
  expect(known).toEqual([{ paused: ['a'], isFirst: true }])
})

test('while the store cannot answer, what was known last stays in force, and that is said once', async () => {
  const { questions, clock, known, lines } = started()
  await (await questions.next()).answer('a')
  for (let n = 0; n < 3; n++) {
    clock.advance(2000)
    await (await questions.next()).fail()
  }
  expect(known).toHaveLength(1)
  expect(lines.filter((line) => line.includes('could not say'))).toHaveLength(1)
  clock.advance(2000)
  await (await questions.next()).answer()
  expect(known.at(-1)).toEqual({ paused: [], isFirst: false })
})

test('an answer that comes after that of a later question does not undo it', async () => {
  const { watch, questions, clock, known } = started()
  await (await questions.next()).answer()
  clock.advance(2000)
  const early = await questions.next()
  // A person has paused the hook after this was asked.
  const looking = watch.look()
  await (await questions.next()).answer('a')
  await looking
  expect(known.at(-1)).toEqual({ paused: ['a'], isFirst: false })
  await early.answer()
  expect(known.at(-1)).toEqual({ paused: ['a'], isFirst: false })
  clock.advance(2000)
  await (await questions.next()).answer()
  expect(known.at(-1)).toEqual({ paused: [], isFirst: false })
})

test('a pause and its end are written to the log once, with who paused', async () => {
  const { questions, clock, lines } = started()
  for (const paused of [['a'], ['a'], ['a', 'b'], ['b'], ['b']]) {
    await (await questions.next()).answer(...paused)
    clock.advance(2000)
  }
  const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(said.map(({ msg, hook, paused_by }) => [msg, hook, paused_by])).toEqual([
    ['hook paused: its deliveries wait until a person resumes it', 'a', 'operator'],
    ['hook paused: its deliveries wait until a person resumes it', 'b', 'operator'],
    ['hook resumed', 'a', undefined],
  ])
})

/** A watch whose questions the test answers. */
function started() {
  const clock = new ManualClock()
  const lines: string[] = []
  const known: { paused: string[]; isFirst: boolean }[] = []
  const waiting: { resolve: (pauses: HookPause[]) => void; reject: (error: Error) => void }[] = []
  const pausedHooks = () =>
    new Promise<HookPause[]>((resolve, reject) => void waiting.push({ resolve, reject }))
  const watch = new PauseWatch({
    clock,
    log: createLogger('info', { write: (line) => void lines.push(line) }),
    onKnown: (paused, isFirst) => known.push({ paused: [...paused], isFirst }),
    store: { pausedHooks },
  })
  watch.start()
  const next = async () => {
    const { resolve, reject } = await until('the store to be asked', () => waiting.shift())
    return {
      answer(...hooks: string[]) {
        resolve(hooks.map((hook) => ({ hook, pausedAt: 1, pausedBy: 'operator', reason: 'they move' })))
        return aTurn()
      },
      fail() {
        reject(new StoreError('store_failing', 'away'))
        return aTurn()
      },
    }
  }
  return { watch, questions: { next }, clock, lines, known }
}

/** By then, what follows from an answer has been done. */
function aTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
