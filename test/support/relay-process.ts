import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { logged, parseLogLine } from './log-lines.ts'
import type { LogLine } from './log-lines.ts'
import { metricIn } from './metrics.ts'
import { programEnvironment } from './program-environment.ts'
import type { Answer } from './relay.ts'
import { signedWebhook } from './signed-webhook.ts'
import { until } from './until.ts'

/** Generous: several processes that run at once on a busy machine are slow. */
const PATIENCE_MS = 60_000

/** The program as production starts it, in a process of its own, from its first line on. */
export interface LaunchedRelay {
  child: ChildProcess
  logLines: LogLine[]
  /** Waits for a log line with this message. */
  logged(msg: string): Promise<LogLine>
  /** What it wrote to standard error. */
  complaints(): string
  /** Resolves with its exit code when it has ended, `null` if a signal ended it. */
  ended: Promise<number | null>
  /** Waits until it listens. */
  listening(): Promise<RelayProcess>
}

export interface RelayProcess {
  child: ChildProcess
  url: string
  operatorUrl: string
  logLines: LogLine[]
  /** Waits for a log line with this message. */
  logged(msg: string): Promise<LogLine>
  /** Signs and posts the event. Rejects if no answer comes: the connection broke, or `signal` ended the wait. */
  send(event: unknown, options?: { signal?: AbortSignal }): Promise<Answer>
  /** What `/readyz` answers now. */
  readyz(): Promise<{ status: number; body: string }>
  /** The value of one sample of `/metrics`, `undefined` if there is none. `labels` are all that it has. */
  metric(name: string, labels?: Record<string, string>): Promise<number | undefined>
  /** Sends the signal and gives the exit code, `null` if the signal itself ended the process. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/**
 * @param onFinished the `onTestFinished` of the test that it ends with; tests that run concurrently give their own
 * @param through a command that is given the program to run, and may run it under limits
 */
export function launchRelay(
  secret: string,
  environment: Record<string, string>,
  onFinished: (cleanUp: () => Promise<void>) => void = onTestFinished,
  through: readonly string[] = [],
): LaunchedRelay {
  const main = new URL('../../src/main.ts', import.meta.url).pathname
  const [command, ...rest] = [...through, process.execPath, main]
  const child = spawn(command as string, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...programEnvironment(),
      SEAM_WEBHOOK_SECRET: secret,
      HOST: '127.0.0.1',
      PORT: '0',
      OPERATOR_PORT: '0',
      ...environment,
    },
  })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  onFinished(async () => {
    await end('SIGKILL')
  })
  const logLines: LogLine[] = []
  createInterface({ input: child.stdout }).on('line', (line) => void logLines.push(parseLogLine(line)))
  let complaints = ''
  let isListening = false
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaints += chunk
    // Tests look at what it writes before it listens. Anything later is unexpected, so show it.
    if (isListening) process.stderr.write(chunk)
  })

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    child.kill(signal)
    return ended
  }

  async function listening(): Promise<RelayProcess> {
    const line = await until(
      'the relay to listen',
      () => {
        if (child.exitCode !== null)
          throw new Error(`the relay ended at the start with ${child.exitCode}: ${complaints}`)
        return logLines.find(({ msg }) => msg === 'listening')
      },
      PATIENCE_MS,
    )
    isListening = true
    const url = line['public'] as string
    const operatorUrl = line['operator'] as string
    return {
      child,
      url,
      operatorUrl,
      logLines,
      logged: (msg) => logged(logLines, msg, PATIENCE_MS),
      end,
      async readyz() {
        const response = await fetch(`${url}/readyz`)
        return { status: response.status, body: await response.text() }
      },
      async metric(name, labels) {
        const response = await fetch(`${operatorUrl}/metrics`)
        return metricIn(await response.text(), name, labels)
      },
      async send(event, { signal } = {}) {
        const { headers, body } = signedWebhook(secret, JSON.stringify(event))
        const response = await fetch(`${url}/webhooks/seam`, {
          method: 'POST',
          headers,
          body: body as string,
          signal: signal ?? null,
        })
        return {
          status: response.status,
          headers: response.headers,
          body: (await response.json()) as Answer['body'],
        }
      },
    }
  }

  return {
    child,
    logLines,
    logged: (msg) => logged(logLines, msg, PATIENCE_MS),
    complaints: () => complaints,
    ended,
    listening,
  }
}

export function startRelayProcess(
  secret: string,
  environment: Record<string, string>,
): Promise<RelayProcess> {
  return launchRelay(secret, environment).listening()
}
