import { DatabaseSync } from 'node:sqlite'

const MINUTE_MS = 60_000
const HOURS = 24

/**
 * Writes the counts of a usual day into a store that no relay has open: more by day than by night. One hook may have
 * failed for three quarters of an hour.
 */
export function drawTraffic(
  path: string,
  now: number,
  hooks: readonly string[],
  failing: string | null,
): void {
  const db = new DatabaseSync(path)
  const add = db.prepare(
    `insert into counts (minute, kind, hook, code, count) values (?, ?, ?, ?, ?)
     on conflict (minute, kind, hook, code) do update set count = count + excluded.count`,
  )
  db.exec('begin')
  const newest = now - (now % MINUTE_MS)
  for (let ago = 1; ago < HOURS * 60; ago += 1) {
    const at = newest - ago * MINUTE_MS
    const accepted = Math.round(9 + 6 * Math.sin(ago / 200) + 3 * Math.sin(ago / 3) + ((ago * 7919) % 5))
    add.run(at, 'accepted', '', '', accepted)
    if (ago % 11 === 0) add.run(at, 'duplicate', '', '', 2)
    if (failing !== null && ago < 14) add.run(at, 'refused', '', 'signature_mismatch', 1)
    for (const hook of hooks) {
      const isFailing = hook === failing && ago < 47
      add.run(at, isFailing ? 'failed' : 'delivered', hook, isFailing ? 'http_503' : '', accepted)
    }
    for (const [bound, share] of [
      ['50', 0.7],
      ['250', 0.25],
      ['1000', 0.05],
    ] as const) {
      add.run(at, 'latency', '', bound, Math.round(accepted * hooks.length * share))
    }
  }
  db.exec('commit')
  db.close()
}

/** Makes everything that the store holds older by a span. */
export function age(path: string, byMs: number): void {
  const db = new DatabaseSync(path)
  db.prepare('update events set accepted_at = accepted_at - ?').run(byMs)
  db.prepare(
    'update deliveries set active_since = active_since - ?1, settled_at = settled_at - ?1, failing_since = failing_since - ?1',
  ).run(byMs)
  db.prepare('update attempts set started_at = started_at - ?').run(byMs)
  db.exec('delete from counts; delete from activity')
  db.close()
}
