import { expect, test } from 'vitest'
import { Reconciled } from '../../src/operator/api/shapes/action.ts'
import { answering, problem, startOperator } from './operator-stub.ts'
import { runCommand } from './relay-command.ts'

test.each([
  [
    'none is missing',
    [],
    { checked: 120, missed: 0, recovered: 0 },
    0,
    '120 events of Seam compared: none is missing.\n',
  ],
  [
    'all are recovered',
    [],
    { checked: 120, missed: 1, recovered: 1 },
    0,
    '120 events of Seam compared: 1 event was missing, 1 taken in now.\n',
  ],
  [
    'some stay missing',
    [],
    { checked: 9, missed: 3, recovered: 1 },
    1,
    '9 events of Seam compared: 3 events were missing, 1 taken in now.\n',
  ],
  [
    'it only looks',
    ['--dry-run'],
    { checked: 9, missed: 3, recovered: 0 },
    1,
    '9 events of Seam compared: 3 events were missing; none was taken in (--dry-run).\n',
  ],
])('%s', async (_what, options, reconciled, code, stdout) => {
  const { url, asked } = await startOperator({ 'POST /api/reconcile': answering(Reconciled, reconciled) })
  const span = ['--since', '2026-03-01', '--until', '2026-03-02T00:00:00Z']
  expect(await runCommand(['reconcile', '--url', url, ...span, ...options])).toEqual({
    code,
    stdout,
    stderr: '',
  })
  const asJson = await runCommand(['reconcile', '--url', url, ...span, ...options, '--json'])
  expect({ code: asJson.code, answer: JSON.parse(asJson.stdout) as unknown }).toEqual({
    code,
    answer: reconciled,
  })
  const dryRun = options.length === 0 ? {} : { dry_run: true }
  expect(asked[0]?.body).toEqual({
    since: '2026-03-01T00:00:00.000Z',
    until: '2026-03-02T00:00:00.000Z',
    ...dryRun,
  })
})

test('without --since nothing is asked', async () => {
  const { url, asked } = await startOperator({})
  expect(await runCommand(['reconcile', '--url', url])).toMatchObject({ code: 2 })
  expect(asked).toEqual([])
})

test('a relay without an API key says so', async () => {
  const { url } = await startOperator({
    'POST /api/reconcile': problem(409, 'not_configured', 'Set SEAM_API_KEY.', 'Reconciliation is off'),
  })
  const { code, stderr } = await runCommand(['reconcile', '--url', url, '--since', '1h'])
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'relay: Reconciliation is off: Set SEAM_API_KEY.\n' })
})
