import { DatabaseSync } from 'node:sqlite'
import { CARRIED_TABLES } from '../../src/migrate-store/carried-table.ts'
import { sql } from '../support/postgres.ts'

const TABLES = CARRIED_TABLES.map(({ name }) => name)

/** The rows of each table, and under `numbers` the state of the sequence that numbers events. */
type Rows = Record<string, Record<string, unknown>[]>

/** Opens the file for the time of the work. */
export function inFile<T>(path: string, work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path)
  try {
    return work(db)
  } finally {
    db.close()
  }
}

/** Everything that the file holds, in a form that can be compared with that of a database. */
export function rowsOfFile(path: string): Rows {
  return inFile(path, (db) =>
    Object.fromEntries(
      TABLES.map((table) => [table, db.prepare(`select * from ${table}`).all().map(comparable).sort(byKey)]),
    ),
  )
}

/** Everything that the database holds, in a form that can be compared with that of a file. */
export async function rowsOfDatabase(url: string): Promise<Rows> {
  const rows: Rows = {}
  rows['numbers'] = await sql(url, 'select last_value, is_called from seam_relay.event_seq')
  for (const table of TABLES) {
    const found = await sql(url, `select * from seam_relay.${table}`)
    // Only replicas lease under a name.
    for (const row of found) delete row['leased_by']
    rows[table] = found.map(comparable).sort(byKey)
  }
  return rows
}

function comparable(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      if (value instanceof Date) return [column, value.getTime()]
      if (value instanceof Uint8Array) return [column, Buffer.from(value).toString('hex')]
      if (
        /^(seq|event_seq|duplicates|times_seen|is_sample|number|would_replay|replayed|at_seq|upto_seq|count|checked|missed|recovered)$/.test(
          column,
        )
      )
        return [column, Number(value)]
      if (/^(problems|scope|seqs|about|event_ids)$/.test(column) && typeof value === 'string')
        return [column, JSON.parse(value) as unknown]
      return [column, value]
    }),
  )
}

function byKey(a: Record<string, unknown>, b: Record<string, unknown>): number {
  const [first, second] = [a, b].map(({ id, seq, event_seq, hook, attempt, number, kind }) =>
    [id, seq ?? event_seq, hook, attempt ?? number, kind].map((part) => String(part).padStart(36)).join(),
  ) as [string, string]
  return first < second ? -1 : 1
}
