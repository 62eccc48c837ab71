import pg from 'pg'
import { expect, onTestFinished } from 'vitest'
import type { Connections, Row, Step } from '../../src/store/postgres/connections.ts'

// How Postgres runs the statements that the store sends.

/** A node of a plan, as `explain (format json)` gives it. */
export interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Index Cond'?: string
  'Shared Hit Blocks'?: number
  'Shared Read Blocks'?: number
  Plans?: PlanNode[]
}

export interface Scan {
  type: string
  table: string
  index: string | undefined
  /** Without, the whole index is read. */
  isNarrowed: boolean
}

export async function planOf(client: pg.Client, explanation: string): Promise<PlanNode> {
  await client.query(`set statement_timeout = '5s'; begin`)
  try {
    const { rows } = await client.query(explanation)
    return rows[0]['QUERY PLAN'][0]['Plan'] as PlanNode
  } finally {
    await client.query('rollback; reset statement_timeout')
  }
}

/** Pages of tables and indices that the statement touched. */
export function pagesOf(plan: PlanNode): number {
  return (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0)
}

export function scansOf(node: PlanNode): Scan[] {
  const below = (node.Plans ?? []).flatMap(scansOf)
  const table = node['Relation Name']
  if (table === undefined || !node['Node Type'].endsWith('Scan')) return below
  const [index, isNarrowed] = [node['Index Name'], node['Index Cond'] !== undefined]
  return [{ type: node['Node Type'], table, index, isNarrowed }, ...below]
}

/** SQL that executes a prepared statement. */
export function executed(name: string, values: readonly unknown[]): string {
  return values.length === 0 ? `execute ${name}` : `execute ${name} (${values.map(literal).join(', ')})`
}

/** As SQL that takes the type which the statement gives to its parameter. The values here need no more care. */
function literal(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `'{${value.map((item) => JSON.stringify(item)).join(',')}}'`
  return typeof value === 'string' ? pg.escapeLiteral(value) : JSON.stringify(value)
}

/** The statements that a call sends, with the values that it sends with them. */
export async function stepsOf(ask: (connections: Connections) => Promise<unknown>): Promise<Step[]> {
  const sent: Step[] = []
  const send = async (some: readonly Step[]): Promise<Row[][]> => {
    sent.push(...some)
    return some.map(() => [])
  }
  const recorder: Pick<Connections, 'run' | 'transaction'> = {
    run: async (statement, values) => (await send([[statement, values ?? []]])).flat(),
    transaction: send,
  }
  // It is given no rows, which it may stumble over once everything is sent.
  await ask(recorder as Connections).catch(() => {})
  expect(sent).not.toEqual([])
  return sent
}

export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  await client.connect()
  onTestFinished(() => client.end())
  return client
}
