import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sourceOfAllSorts } from '../migrate-store/source.ts'
import { newDatabase } from '../support/postgres.ts'
import { scratchFolder } from '../support/scratch.ts'
import { runCommand } from './relay-command.ts'

test('it carries everything, as npm run migrate-store does', async () => {
  const { path } = await sourceOfAllSorts()
  const places = ['--from', `sqlite:${path}`, '--to', await newDatabase()]
  const first = await runCommand(['migrate-store', ...places])
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(first.stdout).toContain('events 9/9')
  expect(first.stdout).toContain('counts agree\n')

  const again = await runCommand(['migrate-store', ...places, '--json'])
  expect(again).toMatchObject({ code: 0 })
  expect(JSON.parse(again.stdout)).toEqual({ moved: true })
  expect(again.stderr).toContain('counts agree\n')
})

test('what cannot be moved is told, with exit code 1', async () => {
  const places = ['--from', `sqlite:${join(scratchFolder(), 'none.db')}`, '--to', 'postgres://u:s3cret@h/d']
  const { code, stderr } = await runCommand(['migrate-store', ...places])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^relay: the source: there is no file /)
  const asJson = await runCommand(['migrate-store', ...places, '--json'])
  expect(asJson).toMatchObject({ code: 1, stderr: '' })
  expect(JSON.parse(asJson.stdout)).toMatchObject({ error: { code: 'not_moved' } })
})

test('arguments that are wrong are a wrong use, and none of them is shown', async () => {
  const args = ['migrate-store', '--from', 'postgres://u:s3cret@h/d', '--too=s3cret', 's3cret']
  const { code, stdout, stderr } = await runCommand(args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('--too: expected --from and --to alone, found an unknown option')
  expect(stderr).not.toContain('s3cret')
})
