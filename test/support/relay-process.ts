import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { signedWebhook } from './signed-webhook.ts'
import { until } from './until.ts'

export interface RelayProcess {
  child: ChildProcess
  url: string
  operatorUrl: string
  logLines: Record<string, unknown>[]
  send(event: unknown): Promise<{ status: number; body: Record<string, unknown> }>
  /** Ends it with the signal and gives its exit code, `null` if the signal itself ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** The program as production starts it, as a process of its own. */
export async function startRelayProcess(
  secret: string,
  environment: Record<string, string>,
): Promise<RelayProcess> {
  const child = spawn(process.execPath, [new URL('../../src/main.ts', import.meta.url).pathname], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      SEAM_WEBHOOK_SECRET: secret,
      HOST: '127.0.0.1',
      PORT: '0',
      OPERATOR_PORT: '0',
      ...environment,
    },
  })
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) await end('SIGKILL')
  })
  const logLines: Record<string, unknown>[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    logLines.push(JSON.parse(line) as Record<string, unknown>)
  })
  const listening = await until('the relay to listen', () => {
    if (child.exitCode !== null) throw new Error(`the relay ended at the start with ${child.exitCode}`)
    return logLines.find(({ msg }) => msg === 'listening')
  })
  const url = listening['public'] as string

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const exited = once(child, 'exit')
    child.kill(signal)
    const [code] = (await exited) as [number | null]
    return code
  }

  return {
    child,
    url,
    operatorUrl: listening['operator'] as string,
    logLines,
    end,
    async send(event) {
      const { headers, body } = signedWebhook(secret, JSON.stringify(event))
      const response = await fetch(`${url}/webhooks/seam`, { method: 'POST', headers, body: body as string })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    },
  }
}
