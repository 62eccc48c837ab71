import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
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
  /** The status of `GET path` on the public listener; an answer that takes longer than two seconds counts as none. */
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

export const MAIN = new URL('../../src/main.ts', import.meta.url).pathname

export async function startUnreadRelay({
  stdout,
  environment = {},
  command = [process.execPath, MAIN],
}: UnreadRelayOptions): Promise<UnreadRelay> {
  const secret = newSecret()
  const [port, operatorPort] = await freePorts()
  const folder = scratchFolder()
  const hooksFile = join(folder, 'hooks.yaml')
  writeFileSync(hooksFile, 'hooks: []\n')
  const [program, ...args] = command
  const child = spawn(program, args, {
    stdio: ['ignore', stdout, 'inherit'],
    env: {
      PATH: process.env['PATH'],
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
  const get = async (path: string) => (await fetch(`${url}${path}`, inTime())).status
  await until('the relay to be ready', async () => (await get('/readyz').catch(() => 0)) === 200, 20_000)
  return {
    child,
    hooksFile,
    ended,
    get,
    async send(event) {
      const { headers, body } = signedWebhook(secret, JSON.stringify(event))
      const init = { method: 'POST', headers, body: body as string, ...inTime() }
      return (await fetch(`${url}/webhooks/seam`, init)).status
    },
    async metric(name) {
      const text = await (await fetch(`${operatorUrl}/metrics`, inTime())).text()
      return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1])
    },
  }
}

function inTime(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(2000) }
}

/** Two ports that were free a moment ago. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer().listen(0, '127.0.0.1'), createServer().listen(0, '127.0.0.1')]
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports as [number, number]
}
