import { createApp } from './app.ts'
import type { App } from './app.ts'
import { readConfig } from './config.ts'
import type { Config } from './config.ts'
import { ConfigError } from './config/mistake.ts'
import { createLogOutput } from './observability/log-output.ts'
import { createLogger } from './observability/logger.ts'
import type { Logger } from './observability/logger.ts'
import { systemClock } from './time/clock.ts'
import { VERSION } from './version.ts'

/** "Configuration error", by the convention of sysexits.h. */
const EXIT_CONFIG = 78
const EXIT_FAILURE = 1
const LAST_FLUSH_MS = 250

const output = createLogOutput({ stream: process.stdout, clock: systemClock })
await main()

async function main(): Promise<void> {
  loadDotEnv()
  const config = configOrExit()
  const log = createLogger(config.logLevel, output)
  for (const { where, advice } of config.warnings) log.warn({ setting: where, advice }, 'setting is weak')
  const onFatal = (error: Error) => {
    log.fatal({ err: error }, 'the store is lost, stopping at once')
    exitFlushed(EXIT_FAILURE)
  }
  try {
    const logLinesDropped = () => output.linesDropped()
    const app = await createApp({ config, log, clock: systemClock, onFatal, logLinesDropped })
    stopOnSignal(app, config, log)
    reloadOnSignal(app, log)
    await listen(app, config, log)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    log.fatal({ code, reason: message }, 'the start failed')
    process.stderr.write(`seam-relay cannot start: ${message}\n`)
    exitFlushed(EXIT_FAILURE)
  }
}

function loadDotEnv(): void {
  try {
    process.loadEnvFile()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function configOrExit(): Config {
  try {
    return readConfig(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`seam-relay cannot start: ${error.message}\n`)
    return process.exit(EXIT_CONFIG)
  }
}

async function listen(app: App, config: Config, log: Logger): Promise<void> {
  const publicUrl = await app.publicListener.listen(config.publicListener)
  const operatorUrl = await app.operatorListener.listen(config.operatorListener)
  app.start()
  const hooks = config.hooks.map(({ name }) => name)
  log.info({ version: VERSION, public: publicUrl, operator: operatorUrl, hooks }, 'listening')
  if (hooks.length === 0) log.warn('no hook is configured: events are kept and not delivered')
}

/** The first signal stops gracefully within the bound; a second one at once. */
function stopOnSignal(app: App, config: Config, log: Logger): void {
  let stopping = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(EXIT_FAILURE)
    stopping = true
    log.info({ signal }, 'stopping')
    setTimeout(() => {
      log.error('the stop took too long and was cut short')
      exitFlushed(0)
    }, config.shutdownTimeoutMs * 0.95)
    app.stop().then(
      () => {
        log.info('stopped')
        exitFlushed(0)
      },
      (error: unknown) => {
        log.error({ err: error }, 'the stop failed')
        exitFlushed(EXIT_FAILURE)
      },
    )
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}

/** `SIGHUP` reads the hooks again. What is wrong with them is logged, and the old ones stay. */
function reloadOnSignal(app: App, log: Logger): void {
  process.on('SIGHUP', () => {
    try {
      const { hooks } = readConfig(process.env)
      app.setHooks(hooks)
      log.info({ hooks: hooks.map(({ name }) => name) }, 'hooks taken over')
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      log.error({ mistakes: error.mistakes }, 'hooks not taken over, the old ones stay')
    }
  })
}

/** Ends the process once the log is written, or after a moment: whoever reads it may be gone or stuck. */
function exitFlushed(code: number): void {
  setTimeout(() => process.exit(code), LAST_FLUSH_MS)
  output.flush(() => process.exit(code))
}
