import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scratchFolder } from '../support/scratch.ts'
import { runCommand, runProcess } from './relay-command.ts'

test('--help lists the commands and ends well', async () => {
  const { code, stdout, stderr } = await runCommand(['--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('Usage: relay [options] [command]')
  expect(stdout).toContain('check')
})

test('every command has a --help of its own, and --json', async () => {
  const { stdout } = await runCommand(['--help'])
  const commands = [...stdout.matchAll(/^ {2}([a-z-]+) \[options\]/gm)].map(([, name]) => name as string)
  expect(commands).toContain('check')
  for (const command of commands) {
    const help = await runCommand([command, '--help'])
    expect({ command, code: help.code, stderr: help.stderr }).toEqual({ command, code: 0, stderr: '' })
    expect(help.stdout).toContain(`Usage: relay ${command}`)
    expect(help.stdout).toContain('--json')
  }
})

test('help is a command, too', async () => {
  const [help, same] = [await runCommand(['help', 'send']), await runCommand(['send', '--help'])]
  expect(help).toEqual(same)
  expect(await runCommand(['help', 'nothing'])).toMatchObject({ code: 2 })
})

test('what was typed wrongly cannot do anything to the terminal either', async () => {
  const { stderr } = await runCommand(['check', '--\u001b[31mred'])
  expect(stderr).toContain("unknown option '--\\u001b[31mred'")
  const settings = await runCommand(['doctor'], { HOOKS: '[]', LOG_LEVEL: 'in\u009bfo' })
  expect(settings.stderr).toContain('found "in\\u009bfo"')
})

test.each([
  ['no command', []],
  ['an unknown command', ['chek']],
  ['an unknown option', ['check', '--jso']],
  ['an argument too many', ['check', 'now']],
])('%s is a wrong use: exit code 2, and a hint on standard error', async (_what, args) => {
  const { code, stdout, stderr } = await runCommand(args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/--help/)
})

test('a .env in the working directory is read, as at a start', async () => {
  const folder = scratchFolder()
  writeFileSync(join(folder, '.env'), 'SEAM_WEBHOOK_SECRET=whsec_plJ3nmyCDGBKInavdOK15jsl\nHOOKS=[]\n')
  expect(await runProcess(['check'], {}, folder)).toMatchObject({ code: 0 })
})

test('a .env that cannot be read is a mistake in the configuration', async () => {
  const folder = scratchFolder()
  mkdirSync(join(folder, '.env'))
  const { code, stderr } = await runProcess(['check'], {}, folder)
  expect(code).toBe(78)
  expect(stderr).toMatch(/^relay: \.env cannot be read: /)
})

test('the process ends with the exit code of the command, and says each thing where it belongs', async () => {
  const help = await runProcess(['--help'])
  expect(help).toMatchObject({ code: 0, stderr: '' })
  expect(help.stdout).toContain('Usage: relay')
  const wrong = await runProcess(['chek'])
  expect(wrong).toMatchObject({ code: 2, stdout: '' })
  const unreached = await runProcess(['overview', '--url', 'http://127.0.0.1:1'])
  expect(unreached).toMatchObject({ code: 1, stdout: '' })
  expect(unreached.stderr).toMatch(/^relay: .*\n {7}Is seam-relay running\?.*\n$/)
})
