import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { runProgram } from '../../src/commands/program.ts'
import { createTerminal } from '../../src/commands/terminal.ts'
import { BegunReplay, DryRun, Replay } from '../../src/operator/api/shapes/action.ts'
import { systemClock } from '../../src/time/clock.ts'
import { answering, problem, startOperator } from './operator-stub.ts'
import type { Answer } from './operator-stub.ts'
import { runCommand } from './relay-command.ts'

const ID = '0a1b2c3d-0000-4000-8000-000000000001'
const JOB: Replay = {
  id: ID,
  state: 'finished',
  would_replay: 3,
  replayed: 3,
  per_second: null,
  scope: { hook: 'access-log' },
  created_at: '2026-03-01T10:00:00.000Z',
  ended_at: '2026-03-01T10:00:05.000Z',
  error: null,
}

const begin: Answer = (asked, response) => {
  const { dry_run: isDryRun } = asked.body as { dry_run?: boolean }
  const answer =
    isDryRun === true
      ? answering(DryRun, { would_replay: 3 })
      : answering(BegunReplay, { id: ID, would_replay: 3 })
  answer(asked, response)
}

/** The states that the replay is found in, one at each question; the last one stays. */
function inTurn(...jobs: Replay[]): Answer {
  const left = [...jobs]
  return (asked, response) =>
    answering(Replay, (left.length > 1 ? left.shift() : left[0]) ?? JOB)(asked, response)
}

test('it says first how many, begins with --yes, and waits for the end', async () => {
  const running = { ...JOB, state: 'running' as const, replayed: 1, ended_at: null }
  const { url, asked } = await startOperator({
    'POST /api/replay': begin,
    [`GET /api/replays/${ID}`]: inTurn(running, JOB),
  })
  const { code, stdout, stderr } = await runCommand(['replay', '--url', url, '--hook', 'access-log', '--yes'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toBe('3 dead deliveries, to access-log.\ndone: 3 of 3 put back to be delivered\n')
  expect(asked.map(({ call, body }) => [call, body])).toEqual([
    ['POST /api/replay', { hook: 'access-log', dry_run: true }],
    ['POST /api/replay', { hook: 'access-log' }],
    [`GET /api/replays/${ID}`, undefined],
    [`GET /api/replays/${ID}`, undefined],
  ])
})

test.each([
  ['y\n', 0, 2],
  ['\n', 1, 1],
])('a person at a terminal is asked, and says %j', async (answer, code, calls) => {
  const { url, asked } = await startOperator({
    'POST /api/replay': begin,
    [`GET /api/replays/${ID}`]: inTurn(JOB),
  })
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  const stdout = new PassThrough()
  const stderr = Object.assign(new PassThrough(), { isTTY: true })
  stdin.write(answer)
  const terminal = createTerminal({ stdin, stdout, stderr })
  const follow = () => new AbortController().signal
  const around = { environment: {}, clock: systemClock, terminal, follow }
  expect(await runProgram(['replay', '--url', url], around)).toBe(code)
  expect(String(stdout.read())).toContain(
    '3 dead deliveries, to any hook.\nReceivers will see these events again',
  )
  expect(String(stderr.read())).toContain('Begin? [y/N] ')
  expect(asked.filter(({ call }) => call === 'POST /api/replay')).toHaveLength(calls)
})

test('--dry-run only counts', async () => {
  const { url, asked } = await startOperator({ 'POST /api/replay': begin })
  expect(await runCommand(['replay', '--url', url, '--dry-run'])).toEqual({
    code: 0,
    stdout: '3 dead deliveries, to any hook.\n',
    stderr: '',
  })
  const asJson = await runCommand(['replay', '--url', url, '--dry-run', '--json'])
  expect(JSON.parse(asJson.stdout)).toEqual({ would_replay: 3 })
  expect(asked.map(({ body }) => body)).toEqual([{ dry_run: true }, { dry_run: true }])
})

test.each([
  ['a mistyped option', ['--hooks', 'access-log', '--yes']],
  ['a state that is none', ['--state', 'lost', '--yes']],
  ['an argument that belongs to no option', ['access-log', '--yes']],
  ['no pace', ['--per-second', '0', '--yes']],
  ['nobody to be asked, and no --yes', ['--hook', 'access-log']],
  ['--cancel with a filter', ['--cancel', ID, '--hook', 'access-log']],
])('%s is a wrong use, and nothing is asked for', async (_what, options) => {
  const { url, asked } = await startOperator({ 'POST /api/replay': begin })
  const { code, stdout, stderr } = await runCommand(['replay', '--url', url, ...options])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^relay: /)
  expect(asked).toEqual([])
})

test('nothing to replay is well, and nothing is begun', async () => {
  const { url, asked } = await startOperator({ 'POST /api/replay': answering(DryRun, { would_replay: 0 }) })
  expect(await runCommand(['replay', '--url', url, '--yes'])).toMatchObject({
    code: 0,
    stdout: '0 dead deliveries, to any hook.\n',
  })
  expect(asked).toHaveLength(1)
})

test('a hook that is mistyped is a wrong use, and not "0 deliveries"', async () => {
  const detail = 'No hook is configured by the name "acces-log". Configured are: access-log.'
  const { url, asked } = await startOperator({ 'POST /api/replay': problem(404, 'not_found', detail) })
  for (const how of ['--dry-run', '--yes']) {
    expect(await runCommand(['replay', '--url', url, '--hook', 'acces-log', how])).toEqual({
      code: 2,
      stdout: '',
      stderr: `relay: A title: ${detail}\n`,
    })
  }
  expect(asked.map(({ body }) => body)).toEqual([
    { hook: 'acces-log', dry_run: true },
    { hook: 'acces-log', dry_run: true },
  ])
})

test('--no-wait gives the id, and --cancel ends it by the id', async () => {
  const cancelled = { ...JOB, state: 'cancelled' as const, replayed: 1 }
  const { url } = await startOperator({
    'POST /api/replay': begin,
    [`DELETE /api/replays/${ID}`]: answering(Replay, cancelled),
  })
  const begun = await runCommand(['replay', '--url', url, '--yes', '--no-wait'])
  expect(begun).toMatchObject({ code: 0, stdout: expect.stringContaining(`begun as replay ${ID}`) as string })
  const ended = await runCommand(['replay', '--url', url, '--cancel', ID])
  expect(ended.code).toBe(0)
  expect(ended.stdout).toMatch(/^state +cancelled\ndone +1 of 3$/m)
})

test('one that fails, or that somebody cancels, is not well', async () => {
  for (const state of ['failed', 'cancelled'] as const) {
    const job = { ...JOB, state, error: state === 'failed' ? 'the store was lost' : null }
    const { url } = await startOperator({
      'POST /api/replay': begin,
      [`GET /api/replays/${ID}`]: inTurn(job),
    })
    const { code, stdout } = await runCommand(['replay', '--url', url, '--yes'])
    expect(code).toBe(1)
    expect(stdout).toContain(state)
  }
})

test('the read token is refused in plain words', async () => {
  const refused = problem(403, 'read_only', 'This token may not change anything.')
  const { url } = await startOperator({ 'POST /api/replay': refused })
  const { code, stderr } = await runCommand(['replay', '--url', url, '--yes'])
  expect(code).toBe(1)
  expect(stderr).toContain('set OPERATOR_TOKEN here to the other one')
})
