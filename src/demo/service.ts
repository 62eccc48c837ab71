import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../time/clock.ts'

/** seam-relay, running in a process of its own. */
export interface Service {
  publicUrl: string
  operatorUrl: string
  /** Resolves when the process has ended, with its last lines of output. */
  ended: Promise<string>
  stop(): Promise<void>
}

export interface ServiceOptions {
  /** The whole environment of the process: it inherits nothing. */
  environment: Record<string, string>
  /** Its working directory. There must be no `.env` in it, which the process would read. */
  folder: string
  /** Gives up the start. */
  signal: AbortSignal
}

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
/** A process that has not ended this long after SIGTERM is killed. */
const STOP_TIMEOUT_MS = 5000
const KEPT_LINES = 20

/**
 * Starts the service as `npm start` does, and reads its addresses from its log.
 * @throws {Error} with the output of the process, if it ends or the signal comes before it listens
 */
export async function startService({ environment, folder, signal }: ServiceOptions): Promise<Service> {
  const child = spawn(process.execPath, [MAIN], {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = readOutput(child)
  const ended = once(child, 'close').then(
    ([code, signal]) => [...output.lastLines(), `(exit ${code ?? signal})`].join('\n'),
    (error: unknown) => String(error),
  )
  const addresses = await Promise.race([
    output.addresses,
    ended.then(() => null),
    signal.aborted ? null : once(signal, 'abort').then(() => null),
  ])
  if (addresses === null) {
    await stop(child, ended)
    throw new Error(`the service did not start:\n${await ended}`)
  }
  return { ...addresses, ended, stop: () => stop(child, ended) }
}

interface Addresses {
  publicUrl: string
  operatorUrl: string
}

/** Reads both streams to their end: the process would otherwise stop at a full pipe. */
function readOutput(child: ChildProcess) {
  if (child.stdout === null || child.stderr === null) throw new Error('the output is not piped')
  const complaints: string[] = []
  const log: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => keep(complaints, line))
  const logLines = createInterface({ input: child.stdout }).on('line', (line) => keep(log, line))
  const addresses = new Promise<Addresses>((resolve) => {
    logLines.on('line', (line) => {
      const entry = parse(line)
      if (entry.msg === 'listening') resolve({ publicUrl: entry.public, operatorUrl: entry.operator })
    })
  })
  // A mistake in the configuration is written to standard error, a later failure to the log.
  return { addresses, lastLines: () => [...log, ...complaints] }
}

function keep(lines: string[], line: string): void {
  lines.push(line)
  if (lines.length > KEPT_LINES) lines.shift()
}

function parse(line: string): { msg: string; public: string; operator: string } {
  try {
    return JSON.parse(line) as ReturnType<typeof parse>
  } catch {
    return { msg: line, public: '', operator: '' }
  }
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill('SIGTERM')
  const deadline = systemClock.after(STOP_TIMEOUT_MS, () => child.kill('SIGKILL'))
  await ended
  deadline.close()
}
