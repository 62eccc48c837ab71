import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import type { Answer } from './relay.ts'
import { signedWebhook } from './signed-webhook.ts'
import { until } from './until.ts'

/** Several that start at once on a busy machine take their time. */
const START_TIMEOUT_MS = 60_000

/** The program as production starts it, as a process of its own, from its first line on. */
export interface LaunchedRelay {
  child: ChildProcess
  logLines: Record<string, unknown>[]
  /** What it wrote to standard error. */
  complaints(): string
  /** Resolves with its exit code when it has ended, `null` if a signal ended it. */
  ended: Promise<number | null>
  listening(): Promise<RelayProcess>
}

export interface RelayProcess {
  child: ChildProcess
  url: string
  operatorUrl: string
  logLines: Record<string, unknown>[]
  /** Signs and posts it. Rejects where no answer comes: the connection broke, or `signal` ended the waiting. */
  send(event: unknown, options?: { signal?: AbortSignal }): Promise<Answer>
  /** Ends it with the signal and gives its exit code, `null` if the signal itself ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** @param onFinished who ends it with the test; concurrent tests give their own */
export function launchRelay(
  secret: string,
  environment: Record<string, string>,
  onFinished: (cleanUp: () => Promise<void>) => void = onTestFinished,
): LaunchedRelay {
  const child = spawn(process.execPath, [new URL('../../src/main.ts', import.meta.url).pathname], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
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
  const logLines: Record<string, unknown>[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    logLines.push(JSON.parse(line) as Record<string, unknown>)
  })
  let complaints = ''
  let isListening = false
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaints += chunk
    // Once it listens, what it complains about is nothing that a test waits for.
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
      START_TIMEOUT_MS,
    )
    isListening = true
    const url = line['public'] as string
    return {
      child,
      url,
      operatorUrl: line['operator'] as string,
      logLines,
      end,
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

  return { child, logLines, complaints: () => complaints, ended, listening }
}

export function startRelayProcess(
  secret: string,
  environment: Record<string, string>,
): Promise<RelayProcess> {
  return launchRelay(secret, environment).listening()
}
