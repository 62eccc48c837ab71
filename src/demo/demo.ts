import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../time/clock.ts'
import { frontDeskHook, goOn } from './going-on.ts'
import { play } from './play.ts'
import { startReceiver } from './receiver.ts'
import type { Receiver } from './receiver.ts'
import { newSecret, scenes } from './scenes.ts'
import { startService } from './service.ts'
import type { Service } from './service.ts'

// Shows what seam-relay does, on this machine and without any configuration: starts the real service with a hook,
// sends it webhooks as Seam does, and prints what became of each. `--once` stops after the table.

/** The table has to be complete by then. */
const DEADLINE_MS = 30_000
/** How the user ends the demo: Ctrl-C, `kill`, or closing the terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

const INTRODUCTION = `seam-relay runs on this machine, with one hook: a small local service that verifies what it receives.
It was sent these webhooks, signed as Seam signs them except where the row says otherwise.
`

process.exitCode = (await demo(process.argv.includes('--once'))) ? 0 : 1

/** @returns whether every row of the table is as expected */
async function demo(onlyOnce: boolean): Promise<boolean> {
  const end = new AbortController()
  for (const signal of SIGNALS) process.on(signal, () => end.abort(signal))
  const deadline = systemClock.after(DEADLINE_MS, () =>
    end.abort(`the demo was not done within ${DEADLINE_MS / 1000} s`),
  )
  let folder: string | undefined
  let receiver: Receiver | undefined
  let frontDesk: Receiver | undefined
  let service: Service | undefined
  try {
    folder = mkdtempSync(join(tmpdir(), 'seam-relay-demo-'))
    const seamSecret = newSecret()
    const hookSecret = newSecret()
    receiver = await startReceiver(hookSecret)
    // One request at a time: see `scenes` on why the order matters.
    const hook = { name: 'demo', url: receiver.url, secrets: [hookSecret], concurrency: 1 }
    frontDesk = await startReceiver(hookSecret)
    const hooks = onlyOnce ? [hook] : [hook, frontDeskHook(frontDesk, hookSecret)]
    service = await startService({ environment: environment(seamSecret, hooks), folder, signal: end.signal })
    void service.ended.then((lastLines) => end.abort(`the service stopped by itself:\n${lastLines}`))

    if (!onlyOnce) console.log(`Open ${service.operatorUrl}/ in a browser: the page of this relay.\n`)
    console.log(INTRODUCTION)
    const script = scenes(seamSecret, new Date(systemClock.wallMs()))
    const allRight = await play(script, service, receiver, end.signal)
    deadline.close()
    if (!onlyOnce && !end.signal.aborted) {
      tellAddresses(service)
      await goOn({ service, frontDesk, seamSecret, signal: end.signal })
    }
    return allRight && (!end.signal.aborted || endedByUser(end.signal))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return false
  } finally {
    deadline.close()
    if (end.signal.aborted && !endedByUser(end.signal)) console.error(String(end.signal.reason))
    await service?.stop()
    await Promise.all([receiver?.stop(), frontDesk?.stop()])
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}

/** Only the path is inherited: settings in the user's environment are meant for another relay. */
function environment(seamSecret: string, hooks: readonly object[]): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    SEAM_WEBHOOK_SECRET: seamSecret,
    HOOKS: JSON.stringify(hooks),
    DATABASE_URL: 'sqlite:./seam-relay.db',
    HOST: '127.0.0.1',
    PORT: '0',
    OPERATOR_PORT: '0',
    SHUTDOWN_TIMEOUT_MS: '3000',
  }
}

function tellAddresses({ publicUrl, operatorUrl }: Service): void {
  console.log(`
seam-relay keeps running until you press Ctrl-C:
  page      ${operatorUrl}/
  webhooks  ${publicUrl}/webhooks/seam
  metrics   ${operatorUrl}/metrics

The page begins with "Act now": it tells of the webhook in quarantine and of the one with a wrong secret.
`)
}

function endedByUser({ reason }: AbortSignal): boolean {
  return SIGNALS.some((name) => name === reason)
}
