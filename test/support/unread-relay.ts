import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freePort } from './free-port.ts'
import { programEnvironment } from './program-environment.ts'
import { scratchFolder } from './scratch.ts'
import { newSecret, signedWebhook } from './signed-webhook.ts'
import { until } from './until.ts'

/** The program as a process of its own, for tests that cannot read its log: its ports are chosen beforehand. */
export interface UnreadRelay {
  child: ChildProcess
  /** Begins without a hook. `SIGHUP` has it read again. */
  hooksFile: string
  /** Signs and posts it, and gives the status of the answer. */
  send: (event: unknown) => Promise<number>
  /** The status of `GET path` on the public listener. */
  get: (path: string) => Promise<number>
  /** The value of a metric without labels. */
  metric: (name: string) => Promise<number>
  /** Resolves with its exit code when it has ended, `null` if a signal ended it. */
  ended: Promise<number | null>
}

export interface UnreadRelayOptions {
  /** Where standard output goes: a descriptor, nowhere, or a pair of sockets of which this process holds the other one. */
  stdout: number | 'pipe' | 'ignore'
  environment?: Record<string, string>
  /** The command line; the program itself unless something stands around it. */
  command?: [program: string, ...args: string[]]
}

/** Only so that an answer that never comes is told as such. */
const PATIENCE_MS = 20_000

export const MAIN = new URL('../../src/main.ts', import.meta.url).pathname

export async function startUnreadRelay({
  stdout,
  environment = {},
  command = [process.execPath, MAIN],
}: UnreadRelayOptions): Promise<UnreadRelay> {
  const secret = newSecret()
  const [port, operatorPort] = [await freePort(), await freePort()]
  const folder = scratchFolder()
  const hooksFile = join(folder, 'hooks.yaml')
  writeFileSync(hooksFile, 'hooks: []\n')
  const [program, ...args] = command
  const child = spawn(program, args, {
    stdio: ['ignore', stdout, 'inherit'],
    env: {
      ...programEnvironment(),
      SEAM_WEBHOOK_SECRET: secret,
      HOOKS_FILE: hooksFile,
      HOST: '127.0.0.1',
      PORT: `${port}`,
      OPERATOR_PORT: `${operatorPort}`,
      DATABASE_URL: `sqlite:${join(folder, 'relay.db')}`,
      ...environment,
    },
  })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const url = `http://127.0.0.1:${port}`
  const operatorUrl = `http://127.0.0.1:${operatorPort}`
  const statusOf = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) })
    // Read to the end: a connection with an answer that nobody reads stays open.
    await response.arrayBuffer()
    return response.status
  }
  const get = (path: string) => statusOf(path)
  await until('the relay to be ready', async () => {
    if (child.exitCode !== null) throw new Error(`the relay ended at the start with ${child.exitCode}`)
    return (await get('/readyz').catch(() => 0)) === 200
  })
  return {
    child,
    hooksFile,
    ended,
    get,
    send(event) {
      const { headers, body } = signedWebhook(secret, JSON.stringify(event))
      return statusOf('/webhooks/seam', { method: 'POST', headers, body: body as string })
    },
    async metric(name) {
      const response = await fetch(`${operatorUrl}/metrics`, { signal: AbortSignal.timeout(PATIENCE_MS) })
      const text = await response.text()
      return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1])
    },
  }
}
