import type { DatabaseSync } from 'node:sqlite'
import type { ReconcilingLease } from '../../reconciliations.ts'

/** The file has one user, so whoever asks has it. A holder from before a restart is gone. */
export function prepareTakeReconciling(db: DatabaseSync) {
  const take = db.prepare(
    `insert into reconciler as known (id, holder, token, leased_until) values (1, ?1, 1, ?2)
     on conflict (id) do update set holder = ?1, token = known.token + (known.holder <> ?1), leased_until = ?2
     returning token`,
  )

  return ({ holder, leaseMs }: { holder: string; leaseMs: number }, now: number): ReconcilingLease => ({
    isHeld: true,
    token: take.get(holder, now + leaseMs)?.['token'] as number,
  })
}

export function prepareLeaveReconciling(db: DatabaseSync) {
  const leave = db.prepare('update reconciler set leased_until = ? where holder = ?')

  return ({ holder }: { holder: string }, now: number): void => {
    leave.run(now, holder)
  }
}
