import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createApp } from '../../src/app.ts'
import type { App } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import type { Hook } from '../../src/config/hook.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { systemClock } from '../../src/time/clock.ts'
import type { Clock } from '../../src/time/clock.ts'
import { hooksOf } from './hooks.ts'
import { logged, parseLogLine } from './log-lines.ts'
import type { LogLine } from './log-lines.ts'
import { metricIn } from './metrics.ts'
import { Receiver } from './receiver.ts'
import type { Behaviour } from './receiver.ts'
import { scratchFolder } from './scratch.ts'
import { newSecret, signedWebhook } from './signed-webhook.ts'
import type { SignedWebhook } from './signed-webhook.ts'

export interface Answer {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

export interface Relay {
  app: App
  secret: string
  url: string
  operatorUrl: string
  databasePath: string
  /** Log lines so far, parsed. */
  logLines: LogLine[]
  /** Waits for a log line with this message. */
  logged(msg: string): Promise<LogLine>
  /** Signs a value, or text as it stands, and posts it. */
  send(body: unknown, options?: { messageId?: string }): Promise<Answer>
  post(webhook: SignedWebhook): Promise<Answer>
  /** Takes the same hooks over again: it changes nothing, and the delivery loop looks for what is due. */
  wakeDelivery(): void
  metrics(): Promise<string>
  /** The value of one sample of `/metrics`, `undefined` if there is none. `labels` are all that it has. */
  metric(name: string, labels?: Record<string, string>): Promise<number | undefined>
}

/** The app as production builds it, from a configuration read as in production, on free ports and with its own file. */
export async function startRelay(
  environment: Record<string, string> = {},
  clock: Clock = systemClock,
): Promise<Relay> {
  const databasePath = join(scratchFolder(), 'relay.db')
  const secret = newSecret()
  const config = readConfig({
    SEAM_WEBHOOK_SECRET: secret,
    HOOKS: '[]',
    HOST: '127.0.0.1',
    PORT: '0',
    OPERATOR_PORT: '0',
    DATABASE_URL: `sqlite:${databasePath}`,
    ...environment,
  })
  const logLines: LogLine[] = []
  const log = createLogger('trace', { write: (line) => void logLines.push(parseLogLine(line)) })
  const built = await createApp({
    config,
    log,
    clock,
    onFatal: (error) => {
      throw error
    },
  })
  let hooks: readonly Hook[] = config.hooks
  const app: App = {
    ...built,
    setHooks(newHooks) {
      hooks = newHooks
      built.setHooks(newHooks)
    },
  }
  onTestFinished(() => app.stop())
  const url = await app.publicListener.listen(config.publicListener)
  const operatorUrl = await app.operatorListener.listen(config.operatorListener)
  app.start()

  async function post({ headers, body }: SignedWebhook): Promise<Answer> {
    const response = await fetch(`${url}/webhooks/seam`, { method: 'POST', headers, body: body as string })
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Answer['body'],
    }
  }

  const metrics = async () => (await fetch(`${operatorUrl}/metrics`)).text()

  return {
    app,
    secret: config.seamWebhookSecrets[0] as string,
    url,
    operatorUrl,
    databasePath,
    logLines,
    logged: (msg) => logged(logLines, msg),
    post,
    wakeDelivery: () => built.setHooks(hooks),
    send: (body, options) =>
      post(
        signedWebhook(
          secret,
          typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
          options,
        ),
      ),
    metrics,
    metric: async (name, labels) => metricIn(await metrics(), name, labels),
  }
}

/** A receiver that is stopped when the test has finished. */
export async function startReceiver(behaviour?: Behaviour): Promise<Receiver> {
  const receiver = await Receiver.start(behaviour)
  onTestFinished(() => receiver.stop())
  return receiver
}

/** `HOOKS` with one hook at this receiver. */
export function hookTo(receiver: Receiver, settings: Record<string, unknown> = {}): { HOOKS: string } {
  return hooksOf({ name: 'one', url: receiver.url, ...settings })
}
