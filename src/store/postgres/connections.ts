import { Pool, types } from 'pg'
import type { ClientBase, PoolClient, QueryConfig } from 'pg'
import { StoreError } from '../store.ts'
import type { Backoff } from './backoff.ts'
import { isBusy, isDataError, isOutOfStep, storeErrorFrom } from './database-error.ts'

/** A statement that is parsed once on each connection. */
export interface Statement {
  name: string
  text: string
}

/** A statement with the values of its parameters. */
export type Step = [statement: Statement, values: unknown[]]

/** A row as the statement names its columns. */
export type Row = Record<string, unknown>

export interface ConnectionsOptions {
  url: string
  /** At most this many at one time. */
  max: number
  /** SQL that each connection begins with. */
  settings?: string
  /** A statement that takes longer than this is given up, in milliseconds. */
  timeoutMs: number
  /** Delays new connections while the database cannot be reached. */
  backoff: Backoff
}

/** A database that has not taken a connection by then counts as unreachable. */
export const CONNECT_TIMEOUT_MS = 5000
const IDLE_MS = 60_000
/** How often a transaction is tried that the database breaks off because of a deadlock or a conflict. */
const MAX_TRIES = 4
/** The server gives up first, so that the connection can be used again. */
const CLIENT_MARGIN_MS = 1000

/** What every connection needs, whatever the role's or the database's own settings are. */
const SESSION = `set default_transaction_isolation = 'read committed'; set idle_in_transaction_session_timeout = 10000;
  select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`

/**
 * For statements that look for few rows among very many: they go by the indices, whatever the statistics say, because the
 * share of due deliveries changes faster than statistics do.
 */
export const BY_INDEX = `set enable_seqscan = off; set enable_bitmapscan = off; set enable_hashjoin = off;
  set enable_mergejoin = off; set jit = off; set plan_cache_mode = force_generic_plan`

const INT8_OID = 20

/** A bounded number of connections to the database. Every failure comes out as a `StoreError`. */
export class Connections {
  readonly #pool: Pool
  readonly #backoff: Backoff

  constructor({ url, max, settings = '', timeoutMs, backoff }: ConnectionsOptions) {
    this.#backoff = backoff
    this.#pool = new Pool({
      connectionString: url,
      application_name: 'seam-relay',
      max,
      pipeline: true,
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: IDLE_MS,
      query_timeout: timeoutMs + CLIENT_MARGIN_MS,
      // The pool awaits this, though its types do not say so.
      onConnect: ((client: ClientBase) => beginSession(client, timeoutMs, settings)) as (
        client: ClientBase,
      ) => unknown as (client: ClientBase) => void,
      // Numbers of events and counts: they fit, and JavaScript has nothing else that is as easy to use.
      types: {
        getTypeParser: (oid, format) => (oid === INT8_OID ? Number : types.getTypeParser(oid, format)),
      },
    })
    // The pool drops broken idle connections; the next query opens a new one.
    this.#pool.on('error', () => {})
  }

  /** Runs one statement, a transaction of its own. */
  async run(statement: Statement, values: unknown[] = []): Promise<Row[]> {
    return (await this.#retried((client) => query(client, [[statement, values]])))[0] as Row[]
  }

  /**
   * Runs the steps in one transaction and one round trip.
   * @returns the rows of each
   */
  transaction(steps: readonly Step[]): Promise<Row[][]> {
    return this.#retried(async (client) => (await query(client, [BEGIN, ...steps, COMMIT])).slice(1, -1))
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #retried<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#once(work)
      } catch (error) {
        if (tries === MAX_TRIES || !isOutOfStep(error)) throw storeErrorFrom(error)
      }
    }
  }

  async #once<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    try {
      const result = await work(client)
      client.release()
      return result
    } catch (error) {
      // Close the connection, unless the database only refused this request.
      client.release(!isDataError(error) && !isOutOfStep(error))
      throw error
    }
  }

  async #connect(): Promise<PoolClient> {
    if (this.#pool.idleCount === 0 && this.#backoff.restMs() > 0) {
      throw new StoreError('store_failing', this.#backoff.reason)
    }
    try {
      const client = await this.#pool.connect()
      this.#backoff.succeeded()
      return client
    } catch (error) {
      // All of our connections being busy does not mean that the database is away.
      throw isBusy(error) ? storeErrorFrom(error) : this.#backoff.failed(storeErrorFrom(error))
    }
  }
}

const BEGIN: Step = [{ name: 'begin', text: 'begin' }, []]
const COMMIT: Step = [{ name: 'commit', text: 'commit' }, []]

async function beginSession(client: ClientBase, timeoutMs: number, settings: string): Promise<void> {
  // The pending query rejects when a connection breaks. Without a listener this event would also end the process.
  client.on('error', () => {})
  const text = `${SESSION}; set statement_timeout = ${timeoutMs}; ${settings}`
  // The library knows this setting of a query, its types do not.
  await client.query({ text, query_timeout: CONNECT_TIMEOUT_MS } as QueryConfig)
}

/** Sends all the statements before it waits for any answer. */
async function query(client: ClientBase, steps: readonly Step[]): Promise<Row[][]> {
  const answers = await Promise.allSettled(
    steps.map(([{ name, text }, values]) => client.query<Row>({ name, text, values })),
  )
  const refused = answers.find((answer) => answer.status === 'rejected')
  if (refused !== undefined) throw refused.reason
  return answers.map((answer) => (answer as PromiseFulfilledResult<{ rows: Row[] }>).value.rows)
}
