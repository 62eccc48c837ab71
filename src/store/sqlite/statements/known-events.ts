import type { DatabaseSync } from 'node:sqlite'

/** Looks up whether events are known, and bodies set aside, a batch at a time. Writes nothing. */
export function prepareKnownEvents(db: DatabaseSync) {
  const findHash = db.prepare('select content_hash from event_ids where webhook_id = ?')
  const findBody = db.prepare('select 1 from quarantine where fingerprint = ?')

  return {
    hashes: (dedupKeys: readonly string[]): (string | null)[] =>
      dedupKeys.map((key) => (findHash.get(key)?.['content_hash'] as string | undefined) ?? null),
    areQuarantined: (fingerprints: readonly string[]): boolean[] =>
      fingerprints.map((fingerprint) => findBody.get(fingerprint) !== undefined),
  }
}
