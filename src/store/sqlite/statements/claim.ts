import type { DatabaseSync } from 'node:sqlite'
import type { ClaimResult, ClaimWant, ClaimedDelivery } from '../../store.ts'
import { BLOCKED_UNTIL, prepareLeaseOrdered } from './claim-ordered.ts'
import { prepareUnblockAll } from './unblock.ts'

/** A delivery that was leased, as it goes to the engine's thread. */
type LeasedRow = [
  eventSeq: number,
  hook: string,
  leaseToken: number,
  attempts: number,
  failures: number,
  activeSince: number,
  failingSince: number | null,
  webhookId: string,
  eventType: string,
  body: string,
]

const LEASE_TOKEN = 2
const BODY = 9

interface ClaimAnswer {
  rows: LeasedRow[]
  now: number
  nextDueAt: number | null
}

export function claimResult({ rows, now, nextDueAt }: ClaimAnswer): ClaimResult {
  return {
    deliveries: rows.map(
      ([
        eventSeq,
        hook,
        leaseToken,
        attempts,
        failures,
        activeSince,
        failingSince,
        webhookId,
        eventType,
        body,
      ]): ClaimedDelivery => ({
        eventSeq,
        hook,
        webhookId,
        eventType,
        body,
        leaseToken,
        attempt: attempts + 1,
        failures,
        ageMs: Math.max(0, now - activeSince),
        failingForMs: failingSince === null ? null : Math.max(0, now - failingSince),
      }),
    ),
    nextDueInMs: nextDueAt === null ? null : Math.max(0, nextDueAt - now),
  }
}

const COLUMNS = `d.event_seq, d.hook, d.lease_token, d.attempts, d.failures, d.active_since, d.failing_since,
  e.webhook_id, e.event_type, e.body`

/** Reads due deliveries by their index, then leases them row by row: no other process writes here. */
export function prepareClaim(db: DatabaseSync) {
  const selectDue = db.prepare(
    `select ${COLUMNS} from deliveries d indexed by deliveries_due join events e on e.seq = d.event_seq
     where d.hook = ? and d.due_at <= ?
     order by d.due_at, d.event_seq limit ?`,
  )
  selectDue.setReturnArrays(true)
  const selectOne = db.prepare(
    `select ${COLUMNS} from deliveries d join events e on e.seq = d.event_seq where d.event_seq = ? and d.hook = ?`,
  )
  selectOne.setReturnArrays(true)
  const lease = db.prepare(
    `update deliveries set state = 'leased', lease_token = lease_token + 1, due_at = ? where event_seq = ? and hook = ?`,
  )
  const selectNextDue = db.prepare(
    `select min(due_at) as next from deliveries where hook = ? and due_at < ${BLOCKED_UNTIL}`,
  )
  const leaseOrdered = prepareLeaseOrdered(db, lease)
  const unblockAll = prepareUnblockAll(db)

  return (wants: readonly ClaimWant[], now: number): ClaimAnswer => {
    const rows: LeasedRow[] = []
    let nextDueAt: number | null = null
    for (const want of wants) {
      const due = want.ordered === true ? claimOrdered(want, now) : claimAny(want, now)
      rows.push(...due)
      // A hook that was given its limit claims again when it has room, whatever is due.
      if (due.length === want.limit) continue
      const next = selectNextDue.get(want.hook)?.['next'] as number | null
      if (next !== null) nextDueAt = Math.min(next, nextDueAt ?? next)
    }
    return { rows, now, nextDueAt }
  }

  function claimAny({ hook, limit, maxBytes, leaseMs }: ClaimWant, now: number): LeasedRow[] {
    unblockAll(hook, now)
    const due: LeasedRow[] = []
    let bytes = 0
    // Row by row, so that no body beyond the bound is read. Leasing comes afterwards, because it changes the index.
    for (const row of selectDue.iterate(hook, now, limit) as unknown as Iterable<LeasedRow>) {
      due.push(row)
      bytes += Buffer.byteLength(row[BODY])
      if (bytes >= maxBytes) break
    }
    for (const row of due) {
      lease.run(now + leaseMs, row[0], hook)
      row[LEASE_TOKEN]++
    }
    return due
  }

  function claimOrdered(want: ClaimWant, now: number): LeasedRow[] {
    const leased: LeasedRow[] = []
    leaseOrdered(want, now, (eventSeq) => {
      const row = selectOne.get(eventSeq, want.hook) as unknown as LeasedRow
      leased.push(row)
      return Buffer.byteLength(row[BODY])
    })
    return leased
  }
}
