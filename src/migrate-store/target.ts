import { Client, types } from 'pg'
import { MIGRATION_LOCK, migrate } from '../store/postgres/migrations.ts'
import type { Batch } from './batches.ts'
import { CARRIED_TABLES } from './carried-table.ts'
import { countsFrom, selectCounts } from './counts.ts'
import type { Counts } from './counts.ts'
import { enter, valuesOf } from './enter.ts'
import { MoveError } from './move-error.ts'

const LOCK_WAIT_MS = 10_000
const CONNECT_TIMEOUT_MS = 10_000
const NAME = 'seam-relay migrate-store'
const INT8_OID = 20
const PAGE_ROWS = 10_000
/** SQLSTATE, PostgreSQL's manual, appendix A. */
const LOCK_NOT_AVAILABLE = '55P03'
/** What the client says where the database asks for a password that it has not. */
const NO_PASSWORD = /client password must be a (non-empty )?string/

/** The Postgres database, on one connection. Rows are only added; none is changed or deleted. */
export class Target {
  readonly #client: Client
  /** Why the connection broke; later queries only say that it did. */
  #broken: Error | null = null

  /**
   * Connects, makes sure that nobody else is at work there, and brings the schema up to date.
   * @throws {MoveError} if it cannot be reached or used, or if a relay uses it
   */
  static async open(url: string): Promise<Target> {
    const target = new Target(url)
    try {
      await target.#prepare()
      return target
    } catch (error) {
      await target.close()
      throw error
    }
  }

  private constructor(url: string) {
    this.#client = new Client({
      connectionString: url,
      application_name: NAME,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      types: {
        getTypeParser: (oid, format) => (oid === INT8_OID ? Number : types.getTypeParser(oid, format)),
      },
    })
    this.#client.on('error', (error) => {
      this.#broken ??= error
    })
  }

  /** Rows of a table in the order of their first column, read in portions. */
  async *rowsOf(table: string, columns: readonly string[]): AsyncGenerator<unknown[], void> {
    const [key] = columns
    const select = `select ${columns.join(', ')} from seam_relay.${table}`
    const order = `order by ${key} limit ${PAGE_ROWS}`
    let rows = await this.#rows(`${select} ${order}`)
    while (rows.length > 0) {
      yield* rows
      rows = await this.#rows(`${select} where ${key} > $1 ${order}`, [rows.at(-1)?.[0]])
    }
  }

  /** Has the numbers of new events begin above this one, unless they do already. */
  async numberFrom(last: number): Promise<void> {
    await this.#rows(
      `select setval('seam_relay.event_seq', $1) from seam_relay.event_seq
       where last_value < $1 or (last_value = $1 and not is_called)`,
      [last],
    )
  }

  /**
   * Writes the rows that are missing, all of them or none.
   * @throws {MoveError} if the target has other rows between the batch's keys
   */
  async write({ from, upTo, parts }: Batch): Promise<void> {
    // Before there are statistics, the planner would read all of a table that grows with each batch.
    await this.#rows('begin; set local enable_seqscan = off')
    for (const { table, rows } of parts) {
      const [other] = await this.#rows(enter(table), [from, upTo, ...valuesOf(table, rows)])
      if (other !== undefined) {
        const key = table.key.map((column, index) => `${column} ${String(other[index])}`)
        throw new MoveError(
          `the target has another row in ${table.name} than the source (${key.join(', ')}): a relay has used one of the two since they were the same. The row was left as it is. If the target has taken in no webhooks, drop its schema seam_relay and run this again`,
        )
      }
    }
    await this.#rows('commit')
  }

  /** Has the database look at its tables, so that it plans well from the beginning. */
  async analyze(): Promise<void> {
    await this.#rows(`analyze ${CARRIED_TABLES.map(({ name }) => `seam_relay.${name}`).join(', ')}`)
  }

  async counts(): Promise<Counts> {
    const rows = await this.#rows(selectCounts('seam_relay.'))
    return countsFrom(rows.map(([sort, count]) => ({ sort, count })))
  }

  /** A transaction that is open is undone. */
  async close(): Promise<void> {
    await this.#client.end()
  }

  async #prepare(): Promise<void> {
    await this.#asked(this.#client.connect())
    // The role may have settings of its own, for other work.
    await this.#rows(`set statement_timeout = 0; set jit = off; set lock_timeout = ${LOCK_WAIT_MS}`)
    await this.#lock()
    const relays = await this.#rows(
      `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
         and application_name like 'seam-relay%' and application_name <> '${NAME}'`,
    )
    if (relays.length > 0) throw new MoveError('a seam-relay is using the target: stop it first')
    await this.#asked(migrate(this.#client))
  }

  /** Kept to the end, so that a relay that starts on the target meanwhile waits, and so does a second run. */
  async #lock(): Promise<void> {
    try {
      await this.#rows(`select pg_advisory_lock(${MIGRATION_LOCK})`)
      await this.#rows('set lock_timeout = 0')
    } catch (error) {
      if (((error as Error).cause as { code?: string } | undefined)?.code !== LOCK_NOT_AVAILABLE) throw error
      throw new MoveError('another migrate-store is at work on the target, or a seam-relay that is starting')
    }
  }

  async #rows(text: string, values: unknown[] = []): Promise<unknown[][]> {
    const { rows } = await this.#asked(this.#client.query({ text, values, rowMode: 'array' }))
    return rows as unknown[][]
  }

  /** Its failure as one line. The details that the database gives are left out: they can quote a row. */
  async #asked<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      const { message, code } = (this.#broken ?? error) as Error & { code?: string }
      const why = NO_PASSWORD.test(message) ? 'it asks for a password, and none was given' : message || code
      throw new MoveError(`the target: ${why}`, error)
    }
  }
}
