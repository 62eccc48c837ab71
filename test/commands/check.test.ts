import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hooksOf } from '../support/hooks.ts'
import { scratchFolder } from '../support/scratch.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { runCommand } from './relay-command.ts'

const HOOK = { name: 'access-log', url: 'https://access-log.example.com/seam?key=s3cret' }

test('settings that a start would take are fine', async () => {
  const settings = { SEAM_WEBHOOK_SECRET: newSecret(), ...hooksOf(HOOK) }
  const { code, stdout, stderr } = await runCommand(['check'], settings)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^fine: /)
  expect(stdout).toMatch(/^ {2}access-log +access-log\.example\.com$/m)
  expect(stdout).not.toContain('s3cret')
})

test('every mistake is listed, those in the hooks file too, and the exit code is 78', async () => {
  const file = join(scratchFolder(), 'hooks.yaml')
  writeFileSync(file, 'hooks:\n  - name: Access Log\n    url: ftp://s3cret.example.com\n')
  const settings = { SEAM_WEBHOOK_SECRET: 's3cret', HOOKS_FILE: file, PORT: 'eighty' }
  const { code, stdout, stderr } = await runCommand(['check'], settings)
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  expect(stderr).toContain('the configuration has 4 mistakes; seam-relay would not start:')
  for (const where of [
    'SEAM_WEBHOOK_SECRET',
    'PORT',
    'hooks.yaml: hooks[0].name',
    'hooks.yaml: hooks[0].url',
  ])
    expect(stderr).toContain(`\n  ${where}\n    expected  `)
  expect(stderr).not.toContain('s3cret')
})

test('--json gives the same to a program', async () => {
  const right = { SEAM_WEBHOOK_SECRET: newSecret(), ...hooksOf(HOOK) }
  const fine = await runCommand(['check', '--json'], right)
  expect(fine).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(fine.stdout)).toEqual({ fine: true, hooks: ['access-log'], warnings: [] })

  const wrong = await runCommand(['check', '--json'], { ...right, PORT: 'eighty' })
  expect(wrong).toMatchObject({ code: 78, stderr: '' })
  const mistake = { where: 'PORT', expected: 'a whole number, 0 to 65535', found: '"eighty"' }
  expect(JSON.parse(wrong.stdout)).toEqual({ fine: false, mistakes: [mistake] })
})

test('a setting that works and should be changed is a warning, and fine', async () => {
  const settings = { SEAM_WEBHOOK_SECRET: 'whsec_plJ3nmyCDGBKInavdOK15jsl', ...hooksOf(HOOK) }
  const { code, stdout } = await runCommand(['check'], settings)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^warning: SEAM_WEBHOOK_SECRET: a key of 18 bytes is accepted/m)
})
