import type { Static } from 'typebox'
import { expect, test } from 'vitest'
import { Overview } from '../../src/operator/api/shapes/overview.ts'
import { answering, answeringRaw, problem, startOperator } from './operator-stub.ts'
import { runCommand } from './relay-command.ts'

const HOOK: Static<typeof Overview>['hooks'][number] = {
  hook: 'access-log',
  is_configured: true,
  url: 'https://access-log.example.com/seam',
  events: ['*'],
  ordering: 'none',
  breaker: 'closed',
  pause: null,
  pending: 0,
  dead: 0,
  oldest_pending_age_ms: 0,
  delivered_last_hour: 120,
  failed_last_hour: 0,
}

const QUIET: Static<typeof Overview> = {
  verdict: 'ok',
  sentence: 'Nothing is lost and nothing waits for you.',
  findings: [],
  hooks: [HOOK],
  webhooks: { last_at: '2026-03-01T09:59:48.000Z', accepted_last_hour: 120, usual_per_hour: 110.4 },
  quarantine: { open: 0, oldest_age_ms: 0 },
  reconciliation: null,
  version: '0.1.0',
  now: '2026-03-01T10:00:00.000Z',
  may: 'act',
  is_signed_in: true,
}

const ON_FIRE: Static<typeof Overview> = {
  ...QUIET,
  verdict: 'act',
  sentence: '3 revocations have not reached access-log since 02:10: a door may be open.',
  findings: [
    {
      kind: 'undelivered_revocations',
      severity: 'act',
      count: 3,
      is_exact: true,
      hook: 'access-log',
      code: 'connection_refused',
      since: '2026-03-01T02:10:00.000Z',
      text: '3 revocations have not reached access-log: nothing listens there.',
      do: 'Start access-log, then replay.',
      href: '#/failures',
    },
  ],
  hooks: [
    { ...HOOK, breaker: 'open', pending: 2, dead: 1, oldest_pending_age_ms: 7_200_000, failed_last_hour: 9 },
    {
      ...HOOK,
      hook: 'printer',
      pause: { paused_at: '2026-03-01T08:00:00.000Z', paused_by: 'operator', reason: 'paper' },
    },
  ],
  quarantine: { open: 2, oldest_age_ms: 60_000 },
}

/** Runs the command against a server that answers so. */
async function overviewOf(overview: Static<typeof Overview>, ...options: string[]) {
  const { url } = await startOperator({ 'GET /api/overview': answering(Overview, overview) })
  return runCommand(['overview', '--url', url, ...options])
}

test('the sentence comes first; where nothing waits for anybody, the exit code is 0', async () => {
  const { code, stdout, stderr } = await overviewOf(QUIET)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.split('\n')).toEqual([
    'Nothing is lost and nothing waits for you.',
    '',
    'access-log  on  nothing waits  none dead  last hour: 120 delivered, 0 failed',
    '',
    'webhooks        the last came 12 s ago; 120 accepted in the last hour, usual at this hour: 110',
    'quarantine      empty',
    'reconciliation  off: without SEAM_API_KEY nobody asks Seam what was missed',
    '',
  ])
})

test('findings say what is wrong and what to do, and where somebody has to act, the exit code is 1', async () => {
  const { code, stdout } = await overviewOf(ON_FIRE)
  expect(code).toBe(1)
  expect(stdout).toContain(
    '\nact   3 revocations have not reached access-log: nothing listens there. (since 2026-03-01 02:10:00Z)\n      → Start access-log, then replay.\n',
  )
  expect(stdout).toMatch(/^access-log {2}breaker open {2}2 waiting, the oldest for 2 h {2}1 dead /m)
  expect(stdout).toMatch(/^printer {5}paused .*\n {12}by operator, 2026-03-01 08:00:00Z: paper$/m)
  expect(stdout).toMatch(/^quarantine {6}2 held, the oldest 60 s ago$/m)
})

test('--json gives the answer as it came, with what a newer version adds', async () => {
  const { url } = await startOperator({ 'GET /api/overview': answeringRaw({ ...QUIET, new_field: 1 }) })
  const { code, stdout } = await runCommand(['overview', '--url', url, '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual({ ...QUIET, new_field: 1 })
  expect(await runCommand(['overview', '--url', url])).toMatchObject({ code: 0 })
})

test('text from outside cannot do anything to the terminal', async () => {
  const sentence = 'Nothing \u001b[2J\u001b]0;pwned\u0007 is \u009b31m lost.'
  for (const options of [[], ['--json']]) {
    const { stdout } = await overviewOf({ ...QUIET, sentence }, ...options)
    expect(stdout).toContain('Nothing \\u001b[2J\\u001b]0;pwned\\u0007 is \\u009b31m lost.')
    expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  }
})

test('it signs in with OPERATOR_TOKEN, or with the read token, and asks the listener of the settings', async () => {
  const { url, asked } = await startOperator({ 'GET /api/overview': answering(Overview, QUIET) })
  const settings = { OPERATOR_HOST: '0.0.0.0', OPERATOR_PORT: new URL(url).port }
  await runCommand(['overview'], { ...settings, OPERATOR_TOKEN: 'both', OPERATOR_READ_TOKEN: 'read' })
  await runCommand(['overview'], { ...settings, OPERATOR_READ_TOKEN: 'read' })
  await runCommand(['overview'], settings)
  expect(asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer both', 'Bearer read', undefined])
})

test.each([
  ['token_missing', 401, 1, 'Set OPERATOR_TOKEN here'],
  ['host_not_allowed', 421, 1, 'Name it with --url by 127.0.0.1'],
  ['request_invalid', 400, 2, ''],
  ['something_new', 418, 1, ''],
])(
  'the problem %s is shown in its own words, and with what to do',
  async (code, status, exitCode, advice) => {
    const detail = 'This is \u001b[31mwhat happened.'
    const { url } = await startOperator({ 'GET /api/overview': problem(status, code, detail) })
    const outcome = await runCommand(['overview', '--url', url])
    expect(outcome).toMatchObject({ code: exitCode, stdout: '' })
    expect(outcome.stderr).toContain('relay: A title: This is \\u001b[31mwhat happened.\n')
    expect(outcome.stderr).toContain(advice)
    const asJson = await runCommand(['overview', '--url', url, '--json'])
    expect(asJson).toMatchObject({ code: exitCode, stderr: '' })
    expect(JSON.parse(asJson.stdout)).toMatchObject({ error: { code } })
  },
)

test.each([
  ['something else listens', answeringRaw('hello')],
  ['an older version answers', answeringRaw({ verdict: 'ok' })],
  ['a proxy answers', answeringRaw('<html>', 502)],
])('%s: it says so, and how to name another address', async (_what, answer) => {
  const { url } = await startOperator({ 'GET /api/overview': answer })
  const { code, stderr } = await runCommand(['overview', '--url', url])
  expect(code).toBe(1)
  expect(stderr).toContain(`${url} gives an answer`)
  expect(stderr).toContain('--url')
})

test('nothing listens: is it running? --url names another', async () => {
  const { url, server } = await startOperator({})
  server.close()
  const { code, stdout, stderr } = await runCommand(['overview', '--url', url])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe(
    `relay: nothing listens at ${url}\n       Is seam-relay running? If it is elsewhere, name its address with --url.\n`,
  )
})
