import type { DatabaseSync } from 'node:sqlite'

/** The hooks that have undelivered or dead deliveries: one look into the index for each, however many deliveries it has. */
export function prepareHooksWith(db: DatabaseSync) {
  const nextDead = db.prepare(
    `select hook from deliveries indexed by deliveries_dead where state = 'dead' and hook > ? order by hook limit 1`,
  )
  const nextUndelivered = db.prepare(
    `select hook from deliveries indexed by deliveries_due where due_at is not null and hook > ?
     order by hook limit 1`,
  )

  return (kind: 'dead' | 'undelivered'): string[] => {
    const next = kind === 'dead' ? nextDead : nextUndelivered
    const hooks: string[] = []
    for (let row = next.get(''); row !== undefined; row = next.get(hooks.at(-1) as string)) {
      hooks.push(row['hook'] as string)
    }
    return hooks
  }
}
