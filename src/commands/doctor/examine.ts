import type { Config } from '../../config.ts'
import type { Clock } from '../../time/clock.ts'
import { counted } from '../amount.ts'
import { clockLine } from './clock-line.ts'
import type { ClockReading } from './clock-line.ts'
import type { Line } from './line.ts'
import { look, ok, skipped, wrong } from './line.ts'
import { reach } from './reach.ts'
import { seamLines } from './seam-lines.ts'
import { askSeam } from './seam-webhooks.ts'
import { serverLine } from './server-line.ts'
import { serviceLine } from './service-line.ts'

export interface ExamineOptions {
  config: Config
  clock: Clock
  /** The URL that Seam is to post to, if the person named it. */
  webhookUrl: URL | null
  /** For each question to another machine. */
  timeoutMs: number
}

interface Found {
  lines: Line[]
  clocks: ClockReading[]
}

/** Looks at everything that seam-relay depends on, all at the same time. */
export async function examine(options: ExamineOptions): Promise<Line[]> {
  const { config, timeoutMs } = options
  const [service, store, hooks, seam] = await Promise.all([
    found('service', async () => ({ lines: [await serviceLine(config, timeoutMs)], clocks: [] })),
    found('store', () => examineStore(options)),
    found('hooks', () => examineServers(options)),
    found('Seam', () => examineSeam(options)),
  ])
  const clocks = [store, seam, hooks].flatMap((one) => one.clocks)
  return [
    ...settingsLines(config),
    ...service.lines,
    ...store.lines,
    clockLine(clocks),
    ...hooks.lines,
    ...seam.lines,
  ]
}

function settingsLines({ hooks, seamWebhookSecrets, warnings }: Config): Line[] {
  const secrets = counted(seamWebhookSecrets.length, 'signing secret')
  const weak = warnings.map(({ where, advice }) => look('settings', where, advice))
  if (hooks.length > 0)
    return [ok('settings', `right: ${secrets}, ${counted(hooks.length, 'hook')}`), ...weak]
  const advice = 'Name your services in HOOKS or HOOKS_FILE, unless events are only to be kept.'
  return [look('settings', `right: ${secrets}, no hook: events are kept and not delivered`, advice), ...weak]
}

async function examineStore({ config: { store }, clock, timeoutMs }: ExamineOptions): Promise<Found> {
  if (store.kind === 'sqlite') {
    const { sqliteLines } = await import('./sqlite-lines.ts')
    return { lines: sqliteLines(store.path), clocks: [] }
  }
  const { postgresLines } = await import('./postgres-lines.ts')
  const { lines, clock: reading } = await postgresLines(store.url, clock, timeoutMs)
  return { lines, clocks: reading === null ? [] : [reading] }
}

/** The hooks, and where alerts go. */
async function examineServers({ config, clock, timeoutMs }: ExamineOptions): Promise<Found> {
  const servers = config.hooks.map(({ name, url }) => ({ about: `hook ${name}`, url: new URL(url) }))
  if (config.alertUrl !== undefined) servers.push({ about: 'alerts', url: new URL(config.alertUrl) })
  const clocks: ClockReading[] = []
  const lines = await Promise.all(
    servers.map(async ({ about, url }) => {
      const reached = await reach(url, clock, timeoutMs)
      if (reached.kind === 'answered' && reached.aheadMs !== null)
        clocks.push({ from: url.host, aheadMs: reached.aheadMs })
      return serverLine(about, url, reached, clock.wallMs())
    }),
  )
  return { lines, clocks }
}

async function examineSeam({ config, clock, webhookUrl, timeoutMs }: ExamineOptions): Promise<Found> {
  const { apiKeys, apiUrl } = config.reconciliation
  if (apiKeys.length === 0) {
    const text =
      'without SEAM_API_KEY its webhook endpoint cannot be compared, and missed events are not looked for'
    return { lines: [skipped('Seam', text)], clocks: [] }
  }
  const { seamWebhookSecrets: secrets, acceptEventTypes } = config
  const clocks: ClockReading[] = []
  const lines = await Promise.all(
    apiKeys.map(async (apiKey, index) => {
      const answer = await askSeam({ apiUrl, apiKey }, clock, timeoutMs)
      if (answer.kind !== 'unreached' && answer.aheadMs !== null)
        clocks.push({ from: 'Seam', aheadMs: answer.aheadMs })
      const about = apiKeys.length === 1 ? 'Seam' : `Seam, key ${index + 1}`
      return seamLines(about, answer, { secrets, acceptEventTypes, webhookUrl })
    }),
  )
  return { lines: lines.flat(), clocks }
}

/** One examination that breaks does not hide what the others found. */
async function found(about: string, look: () => Promise<Found>): Promise<Found> {
  try {
    return await look()
  } catch (error) {
    const text = `could not be looked at: ${(error as Error).message}`
    return { lines: [wrong(about, text, 'Look at it by hand.')], clocks: [] }
  }
}
