const SORTS = [
  'event_ids',
  'events',
  'deliveries pending',
  'deliveries leased',
  'deliveries delivered',
  'deliveries dead',
  'attempts',
  'quarantine',
  'replays',
  'counts',
  'actions',
  'hook_pauses',
  'reconciliations',
  'reconciliation_findings',
] as const

/** A sort of rows: a table, or the deliveries of one state. */
export type Sort = (typeof SORTS)[number]

/** How many rows a store has, of each sort. */
export type Counts = Record<Sort, number>

/** SQL that both databases take: one row for each sort that is there. `prefix`: what stands before a table's name. */
export function selectCounts(prefix: string): string {
  return `select 'event_ids' as sort, count(*) as count from ${prefix}event_ids
    union all select 'events', count(*) from ${prefix}events
    union all select 'deliveries ' || state, count(*) from ${prefix}deliveries group by state
    union all select 'attempts', count(*) from ${prefix}attempts
    union all select 'quarantine', count(*) from ${prefix}quarantine
    union all select 'replays', count(*) from ${prefix}replays
    union all select 'counts', count(*) from ${prefix}counts
    union all select 'actions', count(*) from ${prefix}actions
    union all select 'hook_pauses', count(*) from ${prefix}hook_pauses
    union all select 'reconciliations', count(*) from ${prefix}reconciliations
    union all select 'reconciliation_findings', count(*) from ${prefix}reconciliation_findings`
}

export function countsFrom(rows: readonly Record<string, unknown>[]): Counts {
  const found = new Map(rows.map(({ sort, count }) => [sort, Number(count)]))
  return Object.fromEntries(SORTS.map((sort) => [sort, found.get(sort) ?? 0])) as Counts
}

/** How many rows of a table, all its sorts together. */
export function totalOf(counts: Counts, table: string): number {
  return SORTS.filter((sort) => sort.split(' ')[0] === table).reduce((sum, sort) => sum + counts[sort], 0)
}

/** The sorts of which the two have different numbers. */
export function differing(source: Counts, target: Counts): Sort[] {
  return SORTS.filter((sort) => source[sort] !== target[sort])
}

/** Both sides in columns, one line for each sort. */
export function showCounts(source: Counts, target: Counts): string {
  const rows = [
    ['', 'source', 'target'],
    ...SORTS.map((sort) => [sort, `${source[sort]}`, `${target[sort]}`]),
  ]
  return rows
    .map(([sort = '', a = '', b = '']) => `${sort.padEnd(23)} ${a.padStart(12)} ${b.padStart(12)}\n`)
    .join('')
}
