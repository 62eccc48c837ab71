import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { play } from './play.ts'
import { startReceiver } from './receiver.ts'
import type { Receiver } from './receiver.ts'
import { newSecret, scenes } from './scenes.ts'
import { startService } from './service.ts'
import type { Service } from './service.ts'

// The way of a webhook through the real service, on this machine and without any configuration: sent, verified,
// stored, answered, and delivered to a hook. `--once` ends after the table.

const DEADLINE_MS = 30_000
/** How a reader ends the demo. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

process.exitCode = (await demo(process.argv.includes('--once'))) ? 0 : 1

/** @returns whether everything was as it must be */
async function demo(onlyOnce: boolean): Promise<boolean> {
  const end = new AbortController()
  for (const signal of SIGNALS) process.on(signal, () => end.abort(signal))
  const deadline = setTimeout(() => end.abort(`not done within ${DEADLINE_MS / 1000} s`), DEADLINE_MS)
  let folder: string | undefined
  let receiver: Receiver | undefined
  let service: Service | undefined
  try {
    folder = mkdtempSync(join(tmpdir(), 'seam-relay-demo-'))
    const seamSecret = newSecret()
    const hookSecret = newSecret()
    receiver = await startReceiver(hookSecret)
    // One call at a time: the scenes count on the order.
    const hook = { name: 'demo', url: receiver.url, secrets: [hookSecret], concurrency: 1 }
    service = await startService({ environment: environment(seamSecret, hook), folder, signal: end.signal })
    void service.ended.then((lastWords) => end.abort(`the service ended:\n${lastWords}`))

    const allRight = await play(scenes(seamSecret, new Date()), service, receiver, end.signal)
    clearTimeout(deadline)
    if (!onlyOnce && !end.signal.aborted) await stayUp(service, end.signal)
    return allRight && (!end.signal.aborted || endedByReader(end.signal))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return false
  } finally {
    clearTimeout(deadline)
    if (end.signal.aborted && !endedByReader(end.signal)) console.error(String(end.signal.reason))
    await service?.stop()
    await receiver?.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}

/** Nothing is inherited but the path: the reader's own settings are for another relay. */
function environment(seamSecret: string, hook: object): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    SEAM_WEBHOOK_SECRET: seamSecret,
    HOOKS: JSON.stringify([hook]),
    DATABASE_URL: 'sqlite:./seam-relay.db',
    HOST: '127.0.0.1',
    PORT: '0',
    OPERATOR_PORT: '0',
    SHUTDOWN_TIMEOUT_MS: '3000',
  }
}

async function stayUp({ publicUrl, operatorUrl }: Service, signal: AbortSignal): Promise<void> {
  console.log(`
webhooks: ${publicUrl}/webhooks/seam
operator listener (metrics): ${operatorUrl}/metrics
Ctrl-C ends the demo.`)
  await once(signal, 'abort')
}

function endedByReader({ reason }: AbortSignal): boolean {
  return SIGNALS.some((name) => name === reason)
}
