import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { scratchFolder } from '../support/scratch.ts'

const MAIN = fileURLToPath(new URL('../../src/commands/main.ts', import.meta.url))

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** Starts `npm run relay` in a process of its own, with these settings and in a folder without a `.env`. */
export function startCommand(
  args: readonly string[],
  environment: Record<string, string> = {},
  folder = scratchFolder(),
): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...environment },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  child.stdin.end()
  return child
}

/** Runs a command to its end. */
export async function runCommand(
  args: readonly string[],
  environment?: Record<string, string>,
  folder?: string,
): Promise<Outcome> {
  const child = startCommand(args, environment, folder)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  if (stderr.includes('    at ')) throw new Error(`the command showed a stack trace: ${stderr}`)
  return { code: child.exitCode, stdout, stderr }
}
