import type { CarriedTable } from './carried-table.ts'
import type { Key, Source, SourceRow } from './source.ts'

/** Rows that are written in one transaction: everything in the tables from one key to another, both included. */
export interface Batch {
  from: Key
  upTo: Key
  parts: readonly { table: CarriedTable; rows: SourceRow[] }[]
}

const MAX_ROWS = 4000
const MAX_BYTES = 2_097_152

/**
 * Walks tables side by side, by the first column of their keys. Rows with the same key stay together, so a
 * batch can exceed the bounds by the rows of one event.
 */
export function* batchesOf(source: Source, tables: readonly CarriedTable[]): Generator<Batch, void> {
  const walks = tables.map((table) => new Walk(table, source.rowsOf(table)))
  let batch = emptyBatch(walks)
  let room = { rows: MAX_ROWS, bytes: MAX_BYTES }
  for (let key = leastKey(walks); key !== null; key = leastKey(walks)) {
    if (batch.from === null) batch.from = key
    batch.upTo = key
    for (const [index, walk] of walks.entries()) {
      for (let row = walk.take(key); row !== null; row = walk.take(key)) {
        batch.parts[index]?.rows.push(row)
        room.rows--
        room.bytes -= sizeOf(row)
      }
    }
    if (room.rows > 0 && room.bytes > 0) continue
    yield batch as Batch
    batch = emptyBatch(walks)
    room = { rows: MAX_ROWS, bytes: MAX_BYTES }
  }
  if (batch.from !== null) yield batch as Batch
}

type Growing = Omit<Batch, 'from' | 'upTo'> & { from: Key | null; upTo: Key | null }

function emptyBatch(walks: readonly Walk[]): Growing {
  return { from: null, upTo: null, parts: walks.map(({ table }) => ({ table, rows: [] })) }
}

/** The lowest key that comes next in any table; `null` when all tables are through. */
function leastKey(walks: readonly Walk[]): Key | null {
  return walks.reduce<Key | null>(
    (least, { key }) => (key !== null && (least === null || key < least) ? key : least),
    null,
  )
}

/** Roughly how many bytes a row takes in a batch. */
function sizeOf(row: SourceRow): number {
  return row.reduce<number>(
    (sum, value) =>
      sum +
      (typeof value === 'object' ? (value?.length ?? 0) * 2 : typeof value === 'string' ? value.length : 8),
    0,
  )
}

/** A walk along a table; the next row has been read already. */
class Walk {
  readonly table: CarriedTable
  readonly #rows: Iterator<SourceRow, void>
  readonly #keyIndex: number
  #next: SourceRow | null

  constructor(table: CarriedTable, rows: Iterator<SourceRow, void>) {
    this.table = table
    this.#rows = rows
    this.#keyIndex = Object.keys(table.columns).indexOf(table.key[0])
    this.#next = this.#read()
  }

  get key(): Key | null {
    return this.#next === null ? null : (this.#next[this.#keyIndex] as Key)
  }

  /** The next row, if it has this key. */
  take(key: Key): SourceRow | null {
    const row = this.#next
    if (row === null || this.key !== key) return null
    this.#next = this.#read()
    return row
  }

  #read(): SourceRow | null {
    const { value } = this.#rows.next()
    return value ?? null
  }
}
