import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { runProgram } from '../../src/commands/program.ts'
import { createTerminal } from '../../src/commands/terminal.ts'
import { systemClock } from '../../src/time/clock.ts'
import { programEnvironment } from '../support/program-environment.ts'
import { scratchFolder } from '../support/scratch.ts'

const MAIN = fileURLToPath(new URL('../../src/commands/main.ts', import.meta.url))

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a command to its end, with these settings and no others, as `npm run relay` does where there is no terminal. */
export async function runCommand(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Outcome> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()] as const
  stdin.end()
  const said = Promise.all([text(stdout), text(stderr)])
  const terminal = createTerminal({ stdin, stdout, stderr })
  const follow = () => new AbortController().signal
  const code = await runProgram(args, { environment, clock: systemClock, terminal, follow })
  stdout.end()
  stderr.end()
  return { code, stdout: (await said)[0], stderr: (await said)[1] }
}

/** Starts `npm run relay` in a process of its own, with these settings and in a folder without a `.env`. */
export function startCommand(
  args: readonly string[],
  environment: Record<string, string> = {},
  folder = scratchFolder(),
): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { ...programEnvironment(), ...environment },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  child.stdin.end()
  return child
}

/** Runs a command to its end in a process of its own. */
export async function runProcess(
  args: readonly string[],
  environment?: Record<string, string>,
  folder?: string,
): Promise<Outcome> {
  const child = startCommand(args, environment, folder)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, stdout, stderr }
}
