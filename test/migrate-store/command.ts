import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { programEnvironment } from '../support/program-environment.ts'

const MAIN = fileURLToPath(new URL('../../src/migrate-store/main.ts', import.meta.url))

/** Starts `npm run migrate-store` in a process of its own, with these arguments. */
export function startMigrateStore(args: string[]): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: programEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** Waits until the command has ended. */
export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const { stdout, stderr } = child as ChildProcess & {
    stdout: NodeJS.ReadableStream
    stderr: NodeJS.ReadableStream
  }
  const [out, err] = await Promise.all([text(stdout), text(stderr), once(child, 'close')])
  return { code: child.exitCode, stdout: out, stderr: err }
}

/** Runs the command to its end. Throws if the command showed the password of the database. */
export async function migrateStore(path: string, url: string): Promise<Outcome> {
  const outcome = await outcomeOf(startMigrateStore(['--from', `sqlite:${path}`, '--to', url]))
  const { password } = new URL(url)
  const said = outcome.stdout + outcome.stderr
  if (password !== '' && said.includes(password)) throw new Error('the command showed the password')
  return outcome
}
