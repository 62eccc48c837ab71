import { expect, onTestFinished, test } from 'vitest'
import { ReplayRunner } from '../../src/replays/replay-runner.ts'
import type { EndReplayRequest, ReplayJob, ReplayStep } from '../../src/store/replay-jobs.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/until.ts'

const STEP: ReplayStep = { replayed: 100, changesDue: true, isFirst: false, nextStepInMs: 20, isLast: false }
const LAST: ReplayStep = { ...STEP, replayed: 50, nextStepInMs: null, isLast: true }

test('the steps follow each other as the store says, delivery is woken by each that changes what is due, and begin and end are told once', async () => {
  const answers = [
    { ...STEP, isFirst: true },
    { ...STEP, replayed: 0, changesDue: false, nextStepInMs: 700 },
    { ...LAST, replayed: 0 },
  ]
  const { clock, asked, messages, due } = begin(() => answers.shift() as ReplayStep)
  await until('the first step', () => asked.steps === 1 && clock.timers === 1)
  clock.advance(19)
  expect(asked.steps).toBe(1)
  clock.advance(1)
  await until('the second', () => asked.steps === 2 && clock.timers === 1)
  clock.advance(699)
  expect(asked.steps).toBe(2)
  clock.advance(1)
  await until('the third', () => asked.steps === 3)
  await until('it to look for another', () => {
    clock.advance(0)
    return asked.running >= 4
  })
  expect(messages).toEqual(['replay began', 'replay finished'])
  expect(due.count).toBe(2)
})

test('where nothing is to be done it looks every five seconds, and at once when it is woken', async () => {
  const { clock, asked, runner } = begin(() => LAST, [])
  await until('the first look', () => asked.running === 1 && clock.timers === 1)
  clock.advance(4999)
  expect(asked.running).toBe(1)
  clock.advance(1)
  await until('the second', () => asked.running === 2 && clock.timers === 1)
  runner.wake()
  await until('the third', () => asked.running === 3)
})

test('a step that fails is tried again, and the replay goes on', async () => {
  const answers = [new Error('disk full'), LAST]
  const { clock, asked, messages } = begin(() => answers.shift() as ReplayStep | Error)
  await until('the failure', () => messages.length === 1 && clock.timers === 1)
  clock.advance(5000)
  await until('the end', () => messages.length === 2)
  expect(messages).toEqual(['replay step failed, trying again', 'replay finished'])
  expect(asked.ended).toEqual([])
})

test('a replay whose steps fail ten times in a row ends as failed, with the reason', async () => {
  const { clock, asked, messages } = begin(() => new Error('no such column'))
  for (let n = 1; n < 10; n++) {
    await until(`failure ${n}`, () => messages.length === n && clock.timers === 1)
    clock.advance(5000)
  }
  await until('it to be given up', () => messages.at(-1) === 'replay failed')
  expect(asked.ended).toEqual([{ id: 'one', state: 'failed', error: 'no such column' }])
})

test('a replay is not given up while the store cannot write that it was', async () => {
  const isAway = { value: true }
  const { clock, asked, messages } = begin(() => (isAway.value ? new Error('away') : LAST), undefined, isAway)
  for (let n = 1; n <= 15; n++) {
    await until(`failure ${n}`, () => asked.steps === n && clock.timers === 1)
    clock.advance(5000)
  }
  await until('another failure', () => asked.steps === 16 && clock.timers === 1)
  isAway.value = false
  clock.advance(5000)
  await until('the end', () => messages.at(-1) === 'replay finished')
  expect(asked.ended).toEqual([])
})

/** A runner whose store has one replay, until a step was the last or it was ended. */
function begin(
  step: () => ReplayStep | Error,
  jobs: ReplayJob[] = [job('one')],
  isAway: { value: boolean } = { value: false },
) {
  const clock = new ManualClock()
  const asked = { running: 0, steps: 0, ended: [] as EndReplayRequest[] }
  const messages: string[] = []
  const due = { count: 0 }
  const log = {
    info: (_: object, message: string) => void messages.push(message),
    error: (_: object, message: string) => void messages.push(message),
  }
  const store = {
    async runningReplay() {
      asked.running++
      return jobs[0] ?? null
    },
    async stepReplay() {
      asked.steps++
      const answer = step()
      if (answer instanceof Error) throw answer
      if (answer.isLast) jobs.shift()
      return answer
    },
    async endReplay(request: EndReplayRequest) {
      if (isAway.value) throw new Error('away')
      asked.ended.push(request)
      return jobs.shift() ?? null
    },
  }
  const runner = new ReplayRunner({
    store,
    orderedHooks: () => ['a'],
    clock,
    log,
    onDue: () => void due.count++,
  })
  runner.start()
  onTestFinished(() => runner.stop())
  return { clock, asked, messages, due, runner }
}

function job(id: string): ReplayJob {
  const scope = { hook: 'a' }
  const rest = { perSecond: null, wouldReplay: 250, replayed: 0, createdAt: 0, endedAt: null, error: null }
  return { id, scope, state: 'running', ...rest }
}
