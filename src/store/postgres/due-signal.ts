import { Client } from 'pg'
import type { Clock, Timer } from '../../time/clock.ts'
import { Backoff } from './backoff.ts'
import { CONNECT_TIMEOUT_MS } from './connections.ts'
import { storeErrorFrom } from './database-error.ts'

export interface DueSignalOptions {
  url: string
  clock: Clock
  /** Called when another replica says that something is due, and after a gap in which one may have. */
  onDue: () => void
}

const CHANNEL = 'seam_relay_due'
/** Minimum gap between notifications: a replica that was just woken is already looking. */
const SAY_EVERY_MS = 50
const KEEP_ALIVE_MS = 30_000

/**
 * How replicas tell each other that something is due (`listen`, `notify`). It is a hint: while the connection is gone,
 * the next poll finds due deliveries. It has a connection of its own, outside the transaction that makes something due,
 * because Postgres commits transactions that notify one after the other.
 */
export class DueSignal {
  readonly #options: DueSignalOptions
  readonly #backoff: Backoff
  #client: Client | null = null
  #isListening = false
  #saying: Timer | null = null
  #retry: Timer | null = null
  #closed = false

  constructor(options: DueSignalOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.clock)
  }

  open(): void {
    const client = new Client({
      connectionString: this.#options.url,
      application_name: 'seam-relay signal',
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: 10_000,
    })
    this.#client = client
    client.on('error', (error) => this.#reopen(client, error))
    client.on('end', () => this.#reopen(client, new Error('the connection ended')))
    client.on('notification', ({ processId }) => {
      if (processId !== (client as Client & { processID: number }).processID) this.#options.onDue()
    })
    this.#listen(client).catch((error: unknown) => this.#reopen(client, error))
  }

  /** Notifies the others soon; calls until then share one notification. */
  say(): void {
    if (!this.#isListening || this.#saying !== null) return
    this.#saying = this.#options.clock.after(SAY_EVERY_MS, () => {
      this.#saying = null
      const client = this.#client
      client?.query(`notify ${CHANNEL}`).catch((error: unknown) => this.#reopen(client, error))
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#retry?.close()
    this.#saying?.close()
    await this.#client?.end()
  }

  async #listen(client: Client): Promise<void> {
    await client.connect()
    await client.query(`listen ${CHANNEL}`)
    this.#isListening = true
    this.#backoff.succeeded()
    this.#options.onDue()
  }

  /** A lost connection is reported in several ways; only the first report of each opens a new one. */
  #reopen(client: Client, error: unknown): void {
    if (this.#closed || this.#client !== client) return
    this.#client = null
    this.#isListening = false
    client.end().catch(() => {})
    this.#backoff.failed(storeErrorFrom(error))
    this.#retry = this.#options.clock.after(this.#backoff.restMs(), () => this.open())
  }
}
