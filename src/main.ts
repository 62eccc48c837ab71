import type { App } from './app.ts'
import type { Config } from './config.ts'
import { loadDotEnv } from './config/dot-env.ts'
import { ConfigError } from './config/mistake.ts'
import { createLogOutput } from './observability/log-output.ts'
import type { Logger } from './observability/logger.ts'
import { endProcess } from './process/end-process.ts'
import { Lifecycle } from './process/lifecycle.ts'
import { Signals } from './process/signals.ts'
import { systemClock } from './time/clock.ts'
import { VERSION } from './version.ts'

/** "Configuration error", by the convention of sysexits.h. */
const EXIT_CONFIG = 78
const EXIT_FAILURE = 1
/** How long the end of the process waits for the log to be written: its reader may be gone or stuck. */
const LAST_FLUSH_MS = 250
/** The same as a share of the bound on a stop, where that is shorter. */
const LAST_FLUSH_SHARE = 0.05

// Before the large modules are loaded. Loading them takes most of a start, and a signal that nobody catches would end
// the process.
const signals = new Signals()
const clock = systemClock
const output = createLogOutput({ stream: process.stdout, clock })
const complaints = createLogOutput({ stream: process.stderr, clock })
let lastFlushMs = LAST_FLUSH_MS
let exitCode: number | null = null
/** Nothing can end a thread that is inside SQLite, such as in a migration of a large file. */
let storeIsOpening = false
await main()

/** The environment, judged: what it configures, or every mistake in it. */
type Settings = Config | ConfigError

async function main(): Promise<void> {
  keepOutputErrorsHarmless()
  const dotEnvProblem = loadDotEnv()
  if (dotEnvProblem !== null) return fail(EXIT_CONFIG, dotEnvProblem)
  const { readConfig } = await import('./config.ts')
  const readSettings = () => judged(() => readConfig(process.env))
  const config = readSettings()
  if (config instanceof ConfigError) return fail(EXIT_CONFIG, config.message)
  lastFlushMs = Math.min(LAST_FLUSH_MS, config.shutdownTimeoutMs * LAST_FLUSH_SHARE)
  const { createLogger } = await import('./observability/logger.ts')
  const log = createLogger(config.logLevel, output)
  logWarnings(log)
  const { shutdownTimeoutMs } = config
  const lifecycle = new Lifecycle({ signals, clock, log, shutdownTimeoutMs, readSettings, exit })
  for (const { where, advice } of config.warnings) log.warn({ setting: where, advice }, 'setting is weak')
  try {
    await start(config, log, lifecycle)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    log.fatal({ code, reason: message }, 'the start failed')
    fail(EXIT_FAILURE, message)
  }
}

async function start(config: Config, log: Logger, lifecycle: Lifecycle): Promise<void> {
  const onFatal = (error: Error) => {
    log.fatal({ err: error }, 'the store is lost, stopping at once')
    exit(EXIT_FAILURE)
  }
  const { createApp } = await import('./app.ts')
  const logLinesDropped = () => output.linesDropped()
  const onListener = (listener: App['publicListener']) => listenEarly(listener, config)
  storeIsOpening = true
  const app = await createApp({ config, log, clock, onFatal, onListener, logLinesDropped })
  storeIsOpening = false
  // SIGTERM came while it waited for the store: the process is about to end and must not begin to answer.
  if (lifecycle.isEnding) return
  await listen(app, config, log)
  lifecycle.run(app)
}

/** A port that is in use may be freed while this waits for the store: both may be those of a relay that is just stopping. */
async function listenEarly(publicListener: App['publicListener'], config: Config): Promise<void> {
  try {
    await publicListener.listen({ ...config.publicListener })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
  }
}

async function listen(app: App, config: Config, log: Logger): Promise<void> {
  const { publicListener } = app
  if (!publicListener.server.listening) await publicListener.listen({ ...config.publicListener })
  const publicUrl = publicListener.listeningOrigin
  const operatorUrl = await app.operatorListener.listen(config.operatorListener)
  app.start()
  const hooks = config.hooks.map(({ name }) => name)
  log.info({ version: VERSION, public: publicUrl, operator: operatorUrl, hooks }, 'listening')
  if (hooks.length === 0) log.warn('no hook is configured: events are kept and not delivered')
}

function judged(read: () => Config): Settings {
  try {
    return read()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

/** Node writes to these by itself now and then; where that fails, an error event that nobody hears ends the process. */
function keepOutputErrorsHarmless(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}

/** Warnings of Node and of libraries go to the log. Node would write them to standard error and wait until they are read. */
function logWarnings(log: Logger): void {
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message }) => log.warn({ type: name, reason: message }, 'warning from Node'))
}

function fail(code: number, reason: string): void {
  complaints.write(`seam-relay cannot start: ${reason}\n`)
  exit(code)
}

/** Ends the process once the log is written, or after a moment if it cannot be. The first code stays. */
function exit(code: number): void {
  if (exitCode !== null) return
  exitCode = code
  const end = () => endProcess(code, { isStuck: storeIsOpening })
  clock.after(lastFlushMs, end)
  output.flush(() => complaints.flush(end))
}
