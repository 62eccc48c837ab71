import type { Connections, Statement } from '../connections.ts'

const HASHES: Statement = {
  name: 'known-hashes',
  text: `
  select content_hash from unnest($1::text[]) with ordinality as asked (dedup_key, n)
    left join seam_relay.event_ids known on known.webhook_id = asked.dedup_key
  order by n`,
}
const QUARANTINED: Statement = {
  name: 'are-quarantined',
  text: `
  select kept.id is not null as is_kept from unnest($1::text[]) with ordinality as asked (fingerprint, n)
    left join seam_relay.quarantine kept using (fingerprint)
  order by n`,
}

/** Looks up which events are known, a batch at a time. */
export async function knownHashes(
  connections: Connections,
  dedupKeys: readonly string[],
): Promise<(string | null)[]> {
  return (await connections.run(HASHES, [dedupKeys])).map((row) => row['content_hash'] as string | null)
}

/** Looks up which bodies were set aside before. */
export async function areQuarantined(
  connections: Connections,
  fingerprints: readonly string[],
): Promise<boolean[]> {
  return (await connections.run(QUARANTINED, [fingerprints])).map((row) => row['is_kept'] as boolean)
}
