import type { Connections, Statement } from '../connections.ts'

/** The hooks that have undelivered or dead deliveries (`open`: dead ones that nobody has given up): one look into the index for each, however many deliveries it has. */
const HOOKS_WITH = {
  dead: { name: 'hooks-with-dead', text: hooksSql(`d.state = 'dead'`) },
  open: {
    name: 'hooks-with-open',
    text: hooksSql(`d.state = 'dead' and d.ended_code is distinct from 'discarded'`),
  },
  undelivered: { name: 'hooks-with-undelivered', text: hooksSql('d.due_at is not null') },
} as const satisfies Record<string, Statement>

function hooksSql(condition: string): string {
  return `
  with recursive hooks (hook) as (
    (select d.hook from seam_relay.deliveries d where ${condition} and d.hook > '' order by d.hook limit 1)
    union all
    select (select d.hook from seam_relay.deliveries d where ${condition} and d.hook > h.hook order by d.hook limit 1)
    from hooks h where h.hook is not null
  )
  select hook from hooks where hook is not null order by hook collate "C"`
}

export async function hooksWith(connections: Connections, kind: keyof typeof HOOKS_WITH): Promise<string[]> {
  return (await connections.run(HOOKS_WITH[kind])).map(({ hook }) => hook as string)
}
