import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { launchRelay } from '../support/relay-process.ts'
import { scratchFolder } from '../support/scratch.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { tryProgram } from './programs.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const UNIT = resolve(ROOT, 'deploy/systemd/seam-relay.service')
const unit = readFileSync(UNIT, 'utf8')
const valueOf = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1]

test('the unit starts Node as npm start does', () => {
  const { scripts } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as {
    scripts: { start: string }
  }
  expect(valueOf('ExecStart')).toBe(`/usr/bin/${scripts.start}`)
})

test('the unit leaves a graceful stop its time, and does not start again after a mistake in the settings', () => {
  expect(Number(valueOf('TimeoutStopSec'))).toBeGreaterThan(10)
  expect(valueOf('RestartPreventExitStatus')).toBe('78')
})

test.runIf(process.platform === 'linux')(
  'a reload never ends it, however early it comes',
  { timeout: 120_000 },
  async () => {
    for (let turn = 0; turn < 4; turn++) {
      const relay = launchRelay(newSecret(), environment())
      const asSystemdExpands = (valueOf('ExecReload') as string)
        .replaceAll('${MAINPID}', String(relay.child.pid))
        .replaceAll('$$', '$')
      const [, script = ''] = /^\/bin\/sh -c '(.*)'$/.exec(asSystemdExpands) ?? []
      const reload = spawn('/bin/sh', ['-c', script], { stdio: 'ignore' })
      expect(await once(reload, 'exit')).toEqual([0, null])
      await relay.logged('hooks taken over')
      relay.child.kill('SIGTERM')
      expect(await relay.ended).toBe(0)
    }
  },
)

test('systemd finds nothing wrong with the unit', ({ skip }) => {
  const ran = tryProgram('systemd-analyze', ['verify', UNIT]) ?? skip('systemd-analyze is not installed here')
  // A machine without Node in /usr/bin is told so, which is right and says nothing about the unit.
  const said = ran.output
    .split('\n')
    .filter((line) => line !== '' && !line.includes('/usr/bin/node is not executable'))
  expect(said).toEqual([])
})

test('systemd rates the unit as well confined', ({ skip }) => {
  const args = ['security', '--offline=true', '--threshold=20', UNIT]
  const ran = tryProgram('systemd-analyze', args) ?? skip('systemd-analyze is not installed here')
  if (/unrecognized option/.test(ran.output)) skip('this systemd cannot rate a unit that is not installed')
  expect(ran).toMatchObject({ code: 0 })
})

function environment(): Record<string, string> {
  return { DATABASE_URL: `sqlite:${join(scratchFolder(), 'relay.db')}`, HOOKS: '[]' }
}
