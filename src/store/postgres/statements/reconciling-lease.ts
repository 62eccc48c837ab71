import type { ReconcilingLease } from '../../reconciliations.ts'
import type { Connections, Statement } from '../connections.ts'
import { NOW, laterBy, msBetween } from '../span-of-time.ts'

/** Of replicas that ask at once, one has the row first; the others then see that it is taken. */
const TAKE: Statement = {
  name: 'take-reconciling',
  text: `
  insert into seam_relay.reconciler as known (id, holder, token, leased_until)
  values (1, $1, 1, ${laterBy('$2::float8')})
  on conflict (id) do update set holder = $1, token = known.token + (known.holder <> $1)::integer,
    leased_until = excluded.leased_until
  where known.holder = $1 or known.leased_until <= ${NOW}
  returning token`,
}
const FREE_IN: Statement = {
  name: 'reconciling-free-in',
  text: `select ${msBetween(NOW, 'leased_until')} as free_in_ms from seam_relay.reconciler`,
}
const LEAVE: Statement = {
  name: 'leave-reconciling',
  text: `update seam_relay.reconciler set leased_until = ${NOW} where holder = $1`,
}

export async function takeReconciling(
  connections: Connections,
  { holder, leaseMs }: { holder: string; leaseMs: number },
): Promise<ReconcilingLease> {
  const [row] = await connections.run(TAKE, [holder, leaseMs])
  if (row !== undefined) return { isHeld: true, token: row['token'] as number }
  const freeInMs = (await connections.run(FREE_IN))[0]?.['free_in_ms'] as number | undefined
  return { isHeld: false, freeInMs: Math.max(0, Math.ceil(freeInMs ?? 0)) }
}

export async function leaveReconciling(connections: Connections, holder: string): Promise<void> {
  await connections.run(LEAVE, [holder])
}
