import type { DatabaseSync } from 'node:sqlite'

/** The hooks that have undelivered or dead deliveries (`open`: dead ones that nobody has given up): one look into the index for each, however many deliveries it has. */
export function prepareHooksWith(db: DatabaseSync) {
  const nextDead = db.prepare(
    `select hook from deliveries indexed by deliveries_dead where state = 'dead' and hook > ? order by hook limit 1`,
  )
  const nextGivenUp = db.prepare(
    `select hook from deliveries indexed by deliveries_given_up
     where state = 'dead' and ended_code is not 'discarded' and hook > ? order by hook limit 1`,
  )
  const nextUndelivered = db.prepare(
    `select hook from deliveries indexed by deliveries_due where due_at is not null and hook > ?
     order by hook limit 1`,
  )

  const next = { dead: nextDead, open: nextGivenUp, undelivered: nextUndelivered }

  return (kind: keyof typeof next): string[] => {
    const statement = next[kind]
    const hooks: string[] = []
    for (let row = statement.get(''); row !== undefined; row = statement.get(hooks.at(-1) as string)) {
      hooks.push(row['hook'] as string)
    }
    return hooks
  }
}
