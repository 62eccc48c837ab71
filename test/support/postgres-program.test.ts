import { chmodSync, existsSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test } from 'vitest'
import { bundledProgram, reachableProgram, unprivilegedUser } from './postgres-program.ts'
import { startPostgresServer } from './postgres-server.ts'
import { sql } from './postgres.ts'
import { scratchFolder } from './scratch.ts'

const user = unprivilegedUser()

/** The program below a folder that only its owner may enter, as in a checkout below /root. */
async function programBehindClosedFolder(): Promise<string> {
  const closed = scratchFolder()
  chmodSync(closed, 0o700)
  const program = join(closed, 'native')
  symlinkSync(inject('postgresProgram') ?? (await bundledProgram()), program)
  return program
}

test.skipIf(user === undefined)(
  'as root, a server starts whose program lies in a folder that only root may enter',
  async () => {
    const program = await programBehindClosedFolder()
    const server = await startPostgresServer({ program })
    onTestFinished(() => server.remove())
    expect(server.program).not.toBe(program)
    expect(await sql(server.url(), 'select 1 as one')).toEqual([{ one: 1 }])
    await server.remove()
    expect(existsSync(server.program)).toBe(false)
  },
)

test.skipIf(user === undefined)('as root, the copy is open to all, whatever the original was', async () => {
  const folder = scratchFolder()
  chmodSync(folder, 0o755)
  const copy = reachableProgram(await programBehindClosedFolder(), user, folder)
  expect(readdirSync(copy)).toEqual(expect.arrayContaining(['bin', 'lib', 'share']))
  for (const path of ['.', 'bin', 'bin/postgres', 'lib', 'share/postgresql/postgres.bki'])
    expect(statSync(join(copy, path)).mode & 0o555).toBe(0o555)
})

test.skipIf(user === undefined)(
  'as root, with a temporary folder that is closed too, the error says so',
  async () => {
    const closed = scratchFolder()
    const program = await programBehindClosedFolder()
    expect(() => reachableProgram(program, user, closed)).toThrow(
      /set TMPDIR to a folder that every user may enter/,
    )
  },
)

test('an ordinary user runs the program where it is', async () => {
  const program = await programBehindClosedFolder()
  const folder = scratchFolder()
  expect(reachableProgram(program, undefined, folder)).toBe(program)
  expect(readdirSync(folder)).toEqual([])
})

test.skipIf(user === undefined)('as root, a program that every user can reach is not copied', async () => {
  const [first, second] = [scratchFolder(), scratchFolder()]
  chmodSync(first, 0o755)
  const copy = reachableProgram(await programBehindClosedFolder(), user, first)
  expect(reachableProgram(copy, user, second)).toBe(copy)
  expect(readdirSync(second)).toEqual([])
})
