import type { App } from '../app.ts'
import type { Config } from '../config.ts'
import { ConfigError } from '../config/mistake.ts'
import type { Logger } from '../observability/logger.ts'
import type { Clock } from '../time/clock.ts'
import { bugReport } from './bug-report.ts'
import type { Signals } from './signals.ts'

export interface LifecycleOptions {
  signals: Signals
  clock: Clock
  log: Logger
  /** The bound on a graceful stop. */
  shutdownTimeoutMs: number
  /** Reads the settings again, for the hooks in them. */
  readSettings: () => Config | ConfigError
  /** Ends the process once the log is written, or shortly after if it cannot be. Only the first call counts. */
  exit: (code: number) => void
}

type Stage =
  | { name: 'starting'; reloadAfterwards: boolean }
  | { name: 'running'; app: App }
  | { name: 'stopping'; sinceMs: number }

/** From here on the stop is cut short, so that the last lines of the log are written within the bound. */
const STOP_SHARE = 0.94
/** A terminal sends SIGINT to npm and to us, and npm passes its own on: two that come together are one. */
const REPEATED_SIGNAL_MS = 500

/**
 * What a signal or a bug means depends on how far the process has come.
 *
 *                starting                       running                       stopping
 *   SIGTERM      ends at once, 0                stops in good order, 0        ends at once, 1
 *   SIGHUP       reads the hooks once running   reads the hooks               nothing
 *   a bug        ends at once, 1                stops in good order, 1        is logged
 *
 * SIGINT is as SIGTERM. "In good order" is within the bound: what is in flight is finished and settled.
 *
 * A bug is an error that nobody caught. Nobody knows what it left behind: it may have ended a loop on which deliveries
 * depend, and a relay that only looks alive is worse than one that is started again. Nothing acknowledged is lost.
 */
export class Lifecycle {
  readonly #options: LifecycleOptions
  #stage: Stage = { name: 'starting', reloadAfterwards: false }

  constructor(options: LifecycleOptions) {
    this.#options = options
    process.on('uncaughtException', (error: unknown) => this.#bug(error))
    options.signals.follow((signal) => (signal === 'SIGHUP' ? this.#hangUp() : this.#terminate(signal)))
  }

  /** The process has been told to end, so a start that is still under way must not go on. */
  get isEnding(): boolean {
    return this.#stage.name === 'stopping'
  }

  /** The start has succeeded. */
  run(app: App): void {
    if (this.#stage.name !== 'starting') return
    const { reloadAfterwards } = this.#stage
    this.#stage = { name: 'running', app }
    if (reloadAfterwards) this.#reload(app)
  }

  #terminate(signal: NodeJS.Signals): void {
    const { log, clock, exit } = this.#options
    switch (this.#stage.name) {
      case 'starting':
        log.info({ signal }, 'stopped during the start')
        this.#endNow(0)
        return
      case 'running':
        log.info({ signal }, 'stopping')
        this.#stop(this.#stage.app, 0)
        return
      case 'stopping':
        if (clock.steadyMs() - this.#stage.sinceMs < REPEATED_SIGNAL_MS) return
        log.warn({ signal }, 'a second signal ends the stop at once')
        exit(1)
        return
    }
  }

  #hangUp(): void {
    switch (this.#stage.name) {
      case 'starting':
        this.#stage.reloadAfterwards = true
        return
      case 'running':
        this.#reload(this.#stage.app)
        return
      case 'stopping':
        return
    }
  }

  #bug(error: unknown): void {
    const { log } = this.#options
    const report = bugReport(error)
    switch (this.#stage.name) {
      case 'starting':
        log.fatal(report, 'a bug ended the start')
        this.#endNow(1)
        return
      case 'running':
        log.fatal(report, 'a bug: stopping, to be started again')
        this.#stop(this.#stage.app, 1)
        return
      case 'stopping':
        log.error(report, 'a bug during the stop')
        return
    }
  }

  /** What is wrong with the hooks is logged, and the old ones stay. */
  #reload(app: App): void {
    const { log, readSettings } = this.#options
    const settings = readSettings()
    if (settings instanceof ConfigError) {
      log.error({ mistakes: settings.mistakes }, 'hooks not taken over, the old ones stay')
      return
    }
    app.setHooks(settings.hooks)
    log.info({ hooks: settings.hooks.map(({ name }) => name) }, 'hooks taken over')
  }

  #endNow(code: number): void {
    this.#stage = { name: 'stopping', sinceMs: this.#options.clock.steadyMs() }
    this.#options.exit(code)
  }

  #stop(app: App, code: number): void {
    const { clock, log, shutdownTimeoutMs, exit } = this.#options
    this.#stage = { name: 'stopping', sinceMs: clock.steadyMs() }
    clock.after(shutdownTimeoutMs * STOP_SHARE, () => {
      log.error('the stop took too long and was cut short')
      exit(code)
    })
    app.stop().then(
      () => {
        log.info('stopped')
        exit(code)
      },
      (error: unknown) => {
        log.error({ err: error }, 'the stop failed')
        exit(1)
      },
    )
  }
}
