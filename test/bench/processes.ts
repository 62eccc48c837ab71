import { fork, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { LoadRequest, LoadResult } from './load.ts'

const here = (file: string) => new URL(file, import.meta.url)

/** A relay must not outlive a benchmark that fails; the others end when their parent does. */
const relays = new Set<ChildProcess>()
process.once('exit', () => {
  for (const relay of relays) relay.kill()
})

/** A process of the benchmark, and how to end it. */
export interface Running {
  port: number
  stop(): Promise<void>
}

export async function sendLoad(request: LoadRequest): Promise<LoadResult> {
  const child = fork(here('./load.ts'))
  child.send(request)
  const [result] = (await once(child, 'message')) as [LoadResult]
  child.kill()
  return result
}

export interface RunningReceiver extends Running {
  /** How many requests it has had. */
  count(): Promise<number>
}

export async function startReceiver(delayMs = 0): Promise<RunningReceiver> {
  const child = fork(here('./receiver.ts'), [`${delayMs}`])
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    port,
    stop: () => end(child),
    async count() {
      child.send('count')
      const [message] = (await once(child, 'message')) as [{ count: number }]
      return message.count
    },
  }
}

/** @param forward to where, and by what; nothing is forwarded unless it is given */
export async function startBaseline(
  secret: string,
  forward?: { url: string; by: 'fetch' | 'pool' },
): Promise<Running> {
  const forwarding = forward && { BENCH_FORWARD_URL: forward.url, BENCH_FORWARD_BY: forward.by }
  const env = { ...process.env, BENCH_SECRET: secret, ...forwarding }
  const child = fork(here('./baseline.ts'), { env })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return { port, stop: () => end(child) }
}

export interface RunningRelay extends Running {
  operatorUrl: string
  /** The sum of a counter over its label sets that contain `labels`. */
  counter(name: string, labels?: string): Promise<number>
  /** The most memory that was resident so far, in MiB (Linux's VmHWM). */
  peakMemoryMiB(): number
  /** Processor time of all its threads so far, in seconds (from Linux's /proc, in hundredths). */
  processorSeconds(): number
}

/**
 * The service as `npm start` starts it, with the limits per minute out of the way.
 * @param databaseUrl where it holds everything; a file that goes with it unless it is given
 * @param checkout the folder of the version to start: this one unless it is given
 */
export async function startRelay(
  secret: string,
  hooks: unknown[],
  databaseUrl?: string,
  environment: Record<string, string> = {},
  checkout = here('../..').pathname,
): Promise<RunningRelay> {
  const folder = mkdtempSync(join(tmpdir(), 'seam-relay-bench-'))
  const child = spawn(process.execPath, startArguments(checkout), {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      SEAM_WEBHOOK_SECRET: secret,
      HOOKS: JSON.stringify(hooks),
      HOST: '127.0.0.1',
      PORT: '0',
      OPERATOR_PORT: '0',
      DATABASE_URL: databaseUrl ?? `sqlite:${join(folder, 'relay.db')}`,
      RATE_LIMIT_PER_MINUTE: '1000000000',
      ...environment,
    },
  })
  relays.add(child)
  const { publicPort, operatorUrl } = await listening(child)
  return {
    port: publicPort,
    operatorUrl,
    async stop() {
      await end(child)
      relays.delete(child)
      rmSync(folder, { recursive: true })
    },
    async counter(name, labels = '') {
      const text = await (await fetch(`${operatorUrl}/metrics`)).text()
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(labels))
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    },
    peakMemoryMiB() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
    },
    processorSeconds() {
      // The fields after the program's name, which may hold anything: of these, the 12th and 13th.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
  }
}

/** The arguments that `npm start` gives to Node: its options and the program, as paths from the project's folder. */
function startArguments(checkout: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as {
    scripts: { start: string }
  }
  return scripts.start.split(' ').slice(1)
}

/** Reads the log until the line that names the addresses, and then lets the rest flow away unread. */
async function listening(child: ChildProcess): Promise<{ publicPort: number; operatorUrl: string }> {
  if (child.stdout === null) throw new Error('the log is not piped')
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { msg: string; public: string; operator: string }
    if (entry.msg !== 'listening') continue
    child.stdout.resume()
    return { publicPort: Number(new URL(entry.public).port), operatorUrl: entry.operator }
  }
  throw new Error('the relay ended before it listened')
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}
