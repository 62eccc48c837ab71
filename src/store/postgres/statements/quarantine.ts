import { randomUUID } from 'node:crypto'
import { fingerprintOf } from '../../fingerprint.ts'
import type { QuarantineRequest } from '../../store.ts'
import type { Connections, Statement } from '../connections.ts'
import { NOW } from '../span-of-time.ts'

const QUARANTINE: Statement = {
  name: 'quarantine',
  text: `
  insert into seam_relay.quarantine as kept
    (id, fingerprint, message_id, received_at, last_seen_at, times_seen, problems, body)
  select id, fingerprint, message_id, ${NOW}, ${NOW}, times, problems, body
  from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::json[], $6::bytea[])
    as i (id, fingerprint, message_id, times, problems, body)
  order by fingerprint
  on conflict (fingerprint) do update set times_seen = kept.times_seen + excluded.times_seen, last_seen_at = ${NOW}
  returning fingerprint, id`,
}

/** Sets a group of bodies aside, each once for each message that brings it. Answers with their ids, in order. */
export async function quarantineAll(
  connections: Connections,
  group: readonly QuarantineRequest[],
): Promise<string[]> {
  const fingerprints = group.map(fingerprintOf)
  const rows = new Map<string, { request: QuarantineRequest; times: number }>()
  for (const [index, request] of group.entries()) {
    const fingerprint = fingerprints[index] as string
    rows.set(fingerprint, { request, times: (rows.get(fingerprint)?.times ?? 0) + 1 })
  }
  const kept = [...rows.values()]
  const answers = await connections.run(QUARANTINE, [
    kept.map(() => randomUUID()),
    [...rows.keys()],
    kept.map(({ request }) => request.messageId),
    kept.map(({ times }) => times),
    kept.map(({ request }) => JSON.stringify(request.problems)),
    // In hex: an array of bytes goes over the wire as text.
    kept.map(({ request }) => `\\x${Buffer.from(request.bytes).toString('hex')}`),
  ])
  const ids = new Map(answers.map((row) => [row['fingerprint'], row['id'] as string]))
  return fingerprints.map((fingerprint) => ids.get(fingerprint) as string)
}
