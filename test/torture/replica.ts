import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { parseLogLine } from '../support/log-lines.ts'
import type { LogLine } from '../support/log-lines.ts'
import { programEnvironment } from '../support/program-environment.ts'
import { until } from '../support/until.ts'
import type { Hooks } from './hooks-file.ts'
import { PROCESS_VARIABLE } from './hooks-file.ts'
import type { Life } from './ledgers.ts'
import type { ReplicaAction } from './plan.ts'
import type { Inspected } from './soak/footprint.ts'

export interface ReplicaOptions {
  number: number
  environment: Record<string, string>
  /** What the hooks file names now. */
  hooks: () => Hooks
  /** The ledger of lives that it writes to. */
  lives: Life[]
  /** Of Node, before the program. */
  nodeOptions?: readonly string[]
}

/** A start may wait for a database that is away, on a busy machine. */
const START_PATIENCE_MS = 60_000
/** A process reads nothing while it is paused, and the plan of a long run may pause it several times in a row. */
const READ_PATIENCE_MS = 300_000
/** An orchestrator waits a moment before it starts a process again that ended by itself. */
const RESTART_PAUSE_MS = 100
const MAIN = new URL('../../src/main.ts', import.meta.url).pathname

/** A relay must not outlive whoever tortures it. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** One relay that is started again whenever it ends, as an orchestrator would. */
export class Replica {
  readonly #options: ReplicaOptions
  #inspectorUrl: string | null = null
  #child: ChildProcess | null = null
  #life: Life | null = null
  #lines: LogLine[] = []
  #starts = 0
  #starting: Promise<void> = Promise.resolve()
  /** Where it takes webhooks now; `null` while it does not listen. */
  url: string | null = null
  /** Where people ask it. */
  operatorUrl: string | null = null
  /** Hooks that it surely knows now; `null` while it may be changing them. */
  hooks: Hooks | null = null

  constructor(options: ReplicaOptions) {
    this.#options = options
  }

  /** Starts it, again if it ends by itself before it listens, until it listens. */
  async start(): Promise<void> {
    for (;;) {
      this.#launch()
      const { child, life } = this.#running
      const isListening = () => this.url !== null
      await until('a relay to listen or to end', () => isListening() || hasEnded(child), START_PATIENCE_MS)
      if (isListening()) return
      await until('its end to be noted', () => life.endedAt < Infinity)
      await delay(RESTART_PAUSE_MS)
    }
  }

  async do(action: ReplicaAction): Promise<void> {
    await this.#starting
    switch (action.kind) {
      case 'kill':
        await this.#end('SIGKILL')
        return this.start()
      case 'kill-while-starting':
        await this.#end('SIGKILL')
        this.#launch()
        await delay(action.afterMs)
        await this.#end('SIGKILL')
        return this.start()
      case 'stop':
        await this.stop()
        return this.start()
      case 'pause': {
        const { child, life } = this.#running
        const pause = { from: performance.now(), to: Infinity }
        life.pauses.push(pause)
        child.kill('SIGSTOP')
        await delay(action.forMs)
        child.kill('SIGCONT')
        pause.to = performance.now()
      }
    }
  }

  /** In good order. */
  async stop(): Promise<void> {
    await this.#starting
    if (this.#life !== null) this.#life.toldToStopAt = performance.now()
    await this.#end('SIGTERM')
  }

  /** It ended by itself while it was running, which the comparison calls a fault. An orchestrator starts it again. */
  #onLost(): void {
    this.#starting = this.start()
    // Whoever acts next waits for it, and gets the failure.
    this.#starting.catch(() => {})
  }

  /** At once, whatever it is doing. */
  async kill(): Promise<void> {
    if (this.#child !== null) await this.#end('SIGKILL')
  }

  /** Has it read the hooks file again, and waits until it says what came of it, or has been started again. */
  async reload(message: 'hooks taken over' | 'hooks not taken over, the old ones stay'): Promise<void> {
    const { child } = this.#running
    const hooks = this.#options.hooks()
    const linesBefore = this.#lines.length
    const lines = this.#lines
    // From now on it may have read them, whenever it says so.
    if (message === 'hooks taken over') this.hooks = null
    await until('the program to run', () => catchesHangUp(child) || hasEnded(child), START_PATIENCE_MS)
    child.kill('SIGHUP')
    const isRead = () => lines.slice(linesBefore).some(({ msg }) => msg === message)
    await until(
      'the hooks to be read',
      () => isRead() || this.#lines !== lines || hasEnded(child),
      READ_PATIENCE_MS,
    )
    if (message === 'hooks taken over' && isRead() && this.#lines === lines) this.hooks = hooks
  }

  /** Where to look into its process. */
  get inspected(): Inspected {
    if (this.#inspectorUrl === null) throw new Error('the replica was not started with --inspect')
    return { pid: this.#running.child.pid as number, inspectorUrl: this.#inspectorUrl }
  }

  get #running(): { child: ChildProcess; life: Life } {
    if (this.#child === null || this.#life === null) throw new Error('the replica was not started')
    return { child: this.#child, life: this.#life }
  }

  #launch(): void {
    const { number, environment, hooks, lives, nodeOptions = [] } = this.#options
    const name = `${number}.${++this.#starts}`
    const child = spawn(process.execPath, [...nodeOptions, MAIN], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...programEnvironment(), ...environment, [PROCESS_VARIABLE]: name },
    })
    const life: Life = {
      process: name,
      replica: number,
      startedAt: performance.now(),
      listeningAt: null,
      endedAt: Infinity,
      end: 'by itself',
      exitCode: null,
      signal: null,
      toldToStopAt: null,
      pauses: [],
      fatal: [],
    }
    lives.push(life)
    const lines: LogLine[] = []
    this.url = null
    this.operatorUrl = null
    this.hooks = null
    this.#child = child
    this.#life = life
    this.#lines = lines
    const namedAtStart = hooks()
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = parseLogLine(text)
      // Only those that somebody waits for, or that are a fault: a long run logs a lot.
      if (String(line['msg']).startsWith('hooks ')) lines.push(line)
      if (Number(line['level']) >= 60) life.fatal.push(text)
      if (line['msg'] !== 'listening' || this.#child !== child) return
      life.listeningAt = performance.now()
      this.url = line['public'] as string
      this.operatorUrl = line['operator'] as string
      this.hooks = hooks() === namedAtStart ? namedAtStart : null
    })
    createInterface({ input: child.stderr }).on('line', (text) => {
      const [, inspectorUrl] = /^Debugger listening on (ws:.*)$/.exec(text) ?? []
      if (inspectorUrl !== undefined) this.#inspectorUrl = inspectorUrl
      // Beside what Node says of its inspector, what it says when a start fails; anything else does not belong there.
      if (!/^(seam-relay cannot start|Debugger |For help, see)/.test(text)) life.fatal.push(text)
    })
    running.add(child)
    child.once('exit', (code, signal) => {
      running.delete(child)
      life.endedAt = performance.now()
      life.exitCode = code
      life.signal = signal
      if (this.#child !== child) return
      const wasListening = this.url !== null
      this.url = null
      this.operatorUrl = null
      this.hooks = null
      if (life.end === 'by itself' && wasListening) this.#onLost()
    })
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { child, life } = this.#running
    if (hasEnded(child)) return
    const exited = once(child, 'exit')
    life.end = signal === 'SIGKILL' ? 'killed' : 'stopped'
    child.kill(signal)
    await exited
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/**
 * Whether the program runs so far that it catches SIGHUP, from its first line on. Before that, while Node itself starts,
 * no program can, and the signal ends the process.
 */
function catchesHangUp({ pid }: ChildProcess): boolean {
  try {
    const [, caught = '0'] =
      /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return (BigInt(`0x${caught}`) & 1n) === 1n
  } catch {
    return true
  }
}
