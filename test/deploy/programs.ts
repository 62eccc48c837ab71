import { spawnSync } from 'node:child_process'

/** What a program wrote and with which code it ended; `null` if it is not installed here. */
export function tryProgram(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): { code: number | null; output: string } | null {
  const { error, status, stdout, stderr } = spawnSync(command, args, { ...options, encoding: 'utf8' })
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return null
  return { code: status, output: stdout + stderr }
}
