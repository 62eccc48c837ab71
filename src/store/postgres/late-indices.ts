import { Client } from 'pg'
import type { ClientBase } from 'pg'
import type { Clock } from '../../time/clock.ts'
import { Loop } from '../../time/loop.ts'
import { CONNECT_TIMEOUT_MS } from './connections.ts'
import { storeErrorFrom } from './database-error.ts'

interface LateIndex {
  name: string
  on: string
}

/**
 * Indices that came after the first schema. The store works without them, only slower where people ask. An empty database
 * gets them at once. In others they are made after the start and beside all work, because an index of a large table takes
 * minutes, in which a migration would keep every webhook waiting. One that a migration step needs does not belong here.
 */
const LATE_INDICES: readonly LateIndex[] = [
  // For how many there are and how old the oldest is, without reading bodies.
  { name: 'quarantine_received', on: 'seam_relay.quarantine (received_at)' },
  // A credential's story, by blocks of 4096 numbers (event-blocks.ts).
  {
    name: 'events_credential_blocks',
    on: 'seam_relay.events ((seq / 4096), credential_id, seq) where credential_id is not null',
  },
  // Dead letters that wait for a person. Those that somebody has given up are not among them.
  {
    name: 'deliveries_given_up',
    on: `seam_relay.deliveries (hook, event_seq) where state = 'dead' and ended_code is distinct from 'discarded'`,
  },
]

/**
 * What others have taken the place of, and only costs an acceptance its time. Dropped once all of those are there. A replica
 * of the version before answers without it, only slower, and makes it again when it is started.
 */
const REPLACED_INDICES = ['events_credential']

/** The advisory lock under which one replica makes them. "seamindx" in ASCII. */
const INDEX_LOCK = '8315159409557660792'
/** Another replica makes them, and may die of it. */
const LOOK_AGAIN_MS = 30_000
/** Far off: they are there. */
const NEVER_AGAIN_MS = 2_000_000_000

/** For a database that is still empty. */
export async function makeIndices(client: ClientBase): Promise<void> {
  for (const { name, on } of LATE_INDICES) await client.query(`create index ${name} on ${on}`)
}

export interface IndexMakerOptions {
  url: string
  clock: Clock
  log: Record<'info' | 'warn', (about: object, message: string) => void>
}

/**
 * Makes the late indices that are missing, and drops those that they replace, on a connection of its own. One that a
 * killed build has left behind is of no use ("invalid"), and is made anew.
 */
export class IndexMaker {
  readonly #options: IndexMakerOptions
  readonly #loop: Loop
  #client: Client | null = null

  constructor(options: IndexMakerOptions) {
    this.#options = options
    this.#loop = new Loop(options.clock, () => this.#step())
  }

  start(): void {
    this.#loop.start()
  }

  /** Breaks off what it is doing; the database may go on with it. May be called twice. */
  async stop(): Promise<void> {
    // Not awaited: the client's `connect` never settles once its `end` was called.
    void this.#loop.stop()
    await this.#client?.end()
  }

  /** @returns after how many milliseconds to look again */
  async #step(): Promise<number> {
    const client = this.#connection()
    this.#client = client
    try {
      await client.connect()
      return (await this.#makeMissing(client)) ? NEVER_AGAIN_MS : LOOK_AGAIN_MS
    } catch (error) {
      if (!this.#loop.signal.aborted)
        this.#options.log.warn({ err: storeErrorFrom(error) }, 'indices not made, to be tried again')
      return LOOK_AGAIN_MS
    } finally {
      this.#client = null
      await client.end().catch(() => {})
    }
  }

  #connection(): Client {
    const client = new Client({
      connectionString: this.#options.url,
      application_name: 'seam-relay indices',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    })
    // A query that was under way rejects. Without a listener this event would end the process.
    client.on('error', () => {})
    return client
  }

  /** @returns whether all are there now */
  async #makeMissing(client: Client): Promise<boolean> {
    if ((await missingIn(client)).length + (await replacedIn(client)).length === 0) return true
    await client.query('set statement_timeout = 0; set lock_timeout = 0')
    const { rows } = await client.query(`select pg_try_advisory_lock(${INDEX_LOCK}) as is_mine`)
    if (rows[0]?.is_mine !== true) return false
    // Again, because another replica may have made them since.
    for (const index of await missingIn(client)) await this.#make(client, index)
    for (const name of await replacedIn(client)) await this.#drop(client, name)
    return true
  }

  async #make(client: Client, { name, on }: LateIndex): Promise<void> {
    const { clock, log } = this.#options
    const startedAt = clock.steadyMs()
    log.info({ index: name }, 'making an index in the background')
    await client.query(`drop index concurrently if exists seam_relay.${name}`)
    await client.query(`create index concurrently if not exists ${name} on ${on}`)
    log.info({ index: name, duration_ms: Math.round(clock.steadyMs() - startedAt) }, 'index made')
  }

  async #drop(client: Client, name: string): Promise<void> {
    await client.query(`drop index concurrently if exists seam_relay.${name}`)
    this.#options.log.info({ index: name }, 'index dropped: another one has taken its place')
  }
}

async function replacedIn(client: Client): Promise<string[]> {
  const { rows } = await client.query(
    `select relname as name from pg_class where relnamespace = to_regnamespace('seam_relay') and relname = any($1)`,
    [REPLACED_INDICES],
  )
  return rows.map(({ name }) => name as string)
}

async function missingIn(client: Client): Promise<LateIndex[]> {
  const { rows } = await client.query(
    `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
     where c.relnamespace = to_regnamespace('seam_relay') and i.indisvalid`,
  )
  const valid = new Set(rows.map(({ name }) => name as string))
  return LATE_INDICES.filter(({ name }) => !valid.has(name))
}
