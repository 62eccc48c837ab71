import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createLogger } from '../../src/observability/logger.ts'
import { failed } from '../../src/reconcile/compare-span.ts'
import { ReconcileReport } from '../../src/reconcile/reconcile-report.ts'
import { KeyedWorkspace } from '../../src/reconcile/workspace.ts'
import { ManualClock } from '../support/manual-clock.ts'

test('a failure is said once, however often it comes, until another one takes its place or all is well again', () => {
  const clock = new ManualClock()
  const workspace = new KeyedWorkspace({ url: 'http://127.0.0.1:1', key: 'a_key', clock, eventTypes: null })
  const lines: string[] = []
  const log = createLogger(
    'info',
    new Writable({ write: (chunk, _, done) => (lines.push(`${chunk}`), done()) }),
  )
  const nobody = () => {}
  const report = new ReconcileReport({
    workspaces: [workspace],
    clock,
    log,
    onMissed: nobody,
    onGap: nobody,
  })

  for (const code of ['server_error', 'server_error', 'unauthorized', 'unauthorized'])
    report.failed(workspace, failed(code))
  report.worksAgain(workspace)
  for (let times = 0; times < 2; times++) report.failed(workspace, failed('unauthorized'))

  const said = lines.map((line) => JSON.parse(line) as { msg: string; code?: string })
  expect(said.map(({ msg, code }) => code ?? msg)).toEqual([
    'server_error',
    'unauthorized',
    'reconciliation works again',
    'unauthorized',
  ])
})
