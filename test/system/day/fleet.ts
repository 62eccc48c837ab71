import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RelayProcess } from '../../support/relay-process.ts'
import { scratchFolder } from '../../support/scratch.ts'
import type { Stage } from '../../support/stage.ts'
import { untilPatiently } from '../../support/until.ts'
import { FROM_HEADER } from './service.ts'
import type { Service } from './service.ts'

const PROCESS_VARIABLE = 'DAY_PROCESS'
const NAMES = ['a', 'b'] as const
export type ReplicaName = (typeof NAMES)[number]

export interface HookSettings {
  service: Service
  /** The newest first. */
  secrets: readonly string[]
  settings?: object
}

/** Two replicas on one database, with one hooks file, behind something that knows which of them is ready. */
export class Fleet {
  /** What `SEAM_WEBHOOK_SECRET` is at the next start. */
  seamSecrets: readonly string[]
  readonly processes: { name: string; relay: RelayProcess }[] = []
  readonly #stage: Stage
  readonly #database: string
  readonly #hooksFile = join(scratchFolder(), 'hooks.json')
  readonly #running = new Map<ReplicaName, { process: string; relay: RelayProcess }>()

  constructor(stage: Stage, database: string, seamSecret: string) {
    this.#stage = stage
    this.#database = database
    this.seamSecrets = [seamSecret]
  }

  get urls(): string[] {
    return [...this.#running.values()].map(({ relay }) => relay.url)
  }

  get relays(): RelayProcess[] {
    return [...this.#running.values()].map(({ relay }) => relay)
  }

  /** The name that this replica's process has now; each start has another one. */
  processOf(name: ReplicaName): string {
    return this.#running.get(name)?.process ?? ''
  }

  writeHooks(hooks: readonly HookSettings[]): void {
    const text = JSON.stringify({
      hooks: hooks.map(({ service, secrets, settings }) => ({
        name: service.name,
        url: service.url,
        secrets,
        headers: { [FROM_HEADER]: `\${${PROCESS_VARIABLE}}` },
        retry: { initialDelayMs: 100, maxDelayMs: 1000 },
        breaker: { failures: 5, cooldownMs: 500 },
        ...settings,
      })),
    })
    writeFileSync(`${this.#hooksFile}.new`, text)
    renameSync(`${this.#hooksFile}.new`, this.#hooksFile)
  }

  async startAll(): Promise<void> {
    await Promise.all(NAMES.map((name) => this.start(name)))
  }

  async start(name: ReplicaName): Promise<void> {
    const process = `${name}${this.processes.length + 1}`
    const database = new URL(this.#database)
    // So that the test can tell when the database has closed the last of its connections.
    database.searchParams.set('application_name', process)
    const relay = await this.#stage.relay(database.href, [], {
      SEAM_WEBHOOK_SECRET: this.seamSecrets.join(','),
      HOOKS: '',
      HOOKS_FILE: this.#hooksFile,
      [PROCESS_VARIABLE]: process,
    })
    this.processes.push({ name: process, relay })
    this.#running.set(name, { process, relay })
  }

  /** One after the other, as an upgrade or a changed setting is rolled out. @returns their exit codes */
  async roll(): Promise<(number | null)[]> {
    const codes = []
    for (const name of NAMES) {
      const running = this.#running.get(name)
      this.#running.delete(name)
      codes.push(await running?.relay.end('SIGTERM'))
      await this.start(name)
    }
    return codes.map((code) => code ?? null)
  }

  /** Has all of them read the hooks file again. */
  async reload(): Promise<void> {
    for (const relay of this.relays) {
      const taken = () => relay.logLines.filter(({ msg }) => msg === 'hooks taken over').length
      const before = taken()
      relay.child.kill('SIGHUP')
      await untilPatiently('the hooks to be taken over', () => taken() > before)
    }
  }

  /** `kill -9`. @returns the name of the process that is gone */
  async kill(name: ReplicaName): Promise<string> {
    const { process, relay } = this.#running.get(name) as { process: string; relay: RelayProcess }
    this.#running.delete(name)
    await relay.end('SIGKILL')
    return process
  }
}
