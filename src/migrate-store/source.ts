import { statSync } from 'node:fs'
import { openDatabase } from '../store/sqlite/database.ts'
import type { OpenDatabase } from '../store/sqlite/database.ts'
import type { CarriedTable } from './carried-table.ts'
import { countsFrom, selectCounts } from './counts.ts'
import type { Counts } from './counts.ts'
import { MoveError } from './move-error.ts'

/** The value of a primary key's first column. */
export type Key = string | number
export type SourceValue = string | number | Uint8Array | null
/** In the order of the table's columns. */
export type SourceRow = SourceValue[]

/** For a relay that is just stopping. */
const LOCK_WAIT_MS = 1000

/**
 * The embedded store, locked for this process alone and read as it was at one moment.
 *
 * It is opened as a relay opens it, under the same lock. That brings it to the current schema and frees the leases
 * that a relay left behind, which is what the next start of a relay would do; nothing else in it changes.
 */
export class Source {
  readonly #database: OpenDatabase

  /**
   * @param now milliseconds since 1970
   * @throws {MoveError} if it is not there, is in use, or is not a store that this version knows
   */
  static open(path: string, now: number): Source {
    // Checked first, because opening would create it.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
      throw new MoveError(`the source: there is no file ${path}`)
    }
    try {
      return new Source(openDatabase(path, LOCK_WAIT_MS, now))
    } catch (error) {
      throw new MoveError(`the source: ${(error as Error).message}`, error)
    }
  }

  private constructor(database: OpenDatabase) {
    this.#database = database
    database.db.exec('pragma query_only = on; begin')
  }

  /** The highest number that an event was ever given, 0 if there was none. Its event may be gone. */
  lastNumber(): number {
    const last = this.#database.db.prepare(`select seq from sqlite_sequence where name = 'event_ids'`).get()
    return (last?.['seq'] as number | undefined) ?? 0
  }

  counts(): Counts {
    return reading(() => countsFrom(this.#database.db.prepare(selectCounts('')).all()))
  }

  /** All rows in the order of their key. They are read as they are asked for. */
  *rowsOf({ name, key, columns, readAs = {} }: CarriedTable): Generator<SourceRow, void> {
    const selected = Object.keys(columns).map((column) => readAs[column] ?? column)
    const select = this.#database.db.prepare(
      `select ${selected.join(', ')} from ${name} order by ${key.join(', ')}`,
    )
    select.setReturnArrays(true)
    const rows = select.iterate() as unknown as Iterator<SourceRow, void>
    for (let row = reading(() => rows.next()); row.done !== true; row = reading(() => rows.next())) {
      yield row.value
    }
  }

  /** Finds the row that has this in the first of the columns. */
  finder(table: string, columns: readonly string[]): (value: Key) => SourceRow | null {
    const select = this.#database.db.prepare(
      `select ${columns.join(', ')} from ${table} where ${columns[0]} = ?`,
    )
    select.setReturnArrays(true)
    return (value) => (select.get(value) as unknown as SourceRow | undefined) ?? null
  }

  close(): void {
    this.#database.close()
  }
}

function reading<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new MoveError(`the source cannot be read: ${(error as Error).message}`, error)
  }
}
