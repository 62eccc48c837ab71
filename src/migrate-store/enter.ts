import { momentOf } from '../store/postgres/span-of-time.ts'
import type { ColumnType } from '../store/tables.ts'
import type { CarriedTable } from './carried-table.ts'
import type { SourceRow, SourceValue } from './source.ts'

/** The type under which a column's values are handed over: milliseconds as numbers. */
const HANDED_AS: Partial<Record<ColumnType, string>> = { time: 'float8' }

/**
 * SQL that enters the rows that are missing. It returns the key of one row of the target between $1 and $2, both included,
 * that differs from the source or is not in it; no row if all is well. It does not see the rows that it enters, because a
 * statement sees the state before it.
 */
export function enter({ name, key, columns }: CarriedTable): string {
  const names = Object.keys(columns)
  const types = Object.entries(columns)
  const arrays = types.map(([, type], index) => `$${index + 3}::${HANDED_AS[type] ?? type}[]`)
  const taken = types.map(([column, type]) => (type === 'time' ? `${momentOf(column)} as ${column}` : column))
  const compared = (row: string) =>
    // Postgres compares no `json`.
    types.map(([column, type]) => `${row}.${column}${type === 'json' ? '::text' : ''}`).join(', ')
  const firstType = columns[key[0]] as ColumnType
  const bound = (value: string) =>
    firstType === 'time' ? momentOf(`${value}::float8`) : `${value}::${firstType}`
  return `
  with incoming as (
    select ${taken.join(', ')} from unnest(${arrays.join(', ')}) as i (${names.join(', ')})
  ), entered as (
    insert into seam_relay.${name} (${names.join(', ')}) select ${names.join(', ')} from incoming
    on conflict (${key.join(', ')}) do nothing
  )
  select ${key.map((column) => `t.${column}`).join(', ')}
  from seam_relay.${name} t left join incoming i using (${key.join(', ')})
  where t.${key[0]} between ${bound('$1')} and ${bound('$2')}
    and (${compared('t')}) is distinct from (${compared('i')})
  limit 1`
}

/** The values of the rows as the statement takes them: an array for each column. */
export function valuesOf({ columns }: CarriedTable, rows: readonly SourceRow[]): unknown[][] {
  return Object.values(columns).map((type, index) =>
    rows.map((row) => handedOver(type, row[index] as SourceValue)),
  )
}

function handedOver(type: ColumnType, value: SourceValue): unknown {
  if (value === null) return null
  // In hex: an array of bytes goes over the wire as text.
  if (type === 'bytea') return `\\x${Buffer.from(value as Uint8Array).toString('hex')}`
  return type === 'boolean' ? value === 1 : value
}
