import type { ClientBase } from 'pg'

/** What a table or an index of the store takes. The counts are the server's own, a few seconds old, and an index has its table's. */
export interface Relation {
  name: string
  table: string
  bytes: number
  deadRows: number
  autovacuums: number
}

const RELATIONS = `
  select c.relname as name, t.relname as table, pg_relation_size(c.oid)::float8 as bytes,
    t.n_dead_tup::float8 as "deadRows", t.autovacuum_count::float8 as autovacuums
  from pg_class c left join pg_index i on i.indexrelid = c.oid
  join pg_stat_user_tables t on t.relid = coalesce(i.indrelid, c.oid)
  where t.schemaname = 'seam_relay' and t.relname in ('event_ids', 'events', 'deliveries', 'attempts')
  order by t.relid, c.relkind desc, c.relname`

/** The large tables, each with its indices after it. */
export async function relationsOf(client: ClientBase): Promise<Relation[]> {
  return (await client.query<Relation>(RELATIONS)).rows
}

/** What they take in all and for each row, as lines of a table in Markdown. */
export async function relationSizes(client: ClientBase): Promise<string[]> {
  const lines = [
    '| | MiB | bytes/row | rows | dead | autovacuums |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
  ]
  const rowsOf = new Map<string, number>()
  let total = 0
  for (const { name, table, bytes, deadRows, autovacuums } of await relationsOf(client)) {
    const rows = rowsOf.get(table) ?? (await countOf(client, table))
    rowsOf.set(table, rows)
    total += bytes
    const about = name === table ? `${rows} | ${deadRows} | ${autovacuums}` : ' | | '
    lines.push(
      `| ${name} | ${mebibytes(bytes)} | ${rows === 0 ? '' : (bytes / rows).toFixed(0)} | ${about} |`,
    )
  }
  return [...lines, `| all | ${mebibytes(total)} | | | | |`]
}

async function countOf(client: ClientBase, table: string): Promise<number> {
  const { rows } = await client.query(`select count(*)::float8 as count from seam_relay.${table}`)
  return rows[0]?.count as number
}

export function mebibytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1)
}
