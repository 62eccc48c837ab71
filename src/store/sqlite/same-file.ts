import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'

/**
 * Whether the store's path still leads to the file that is open. If it does not, what is written goes into a file that
 * nobody finds again.
 *
 *   there ──removed or replaced──▶ gone ──put back──▶ there
 */
export interface FileGuard {
  /** Looks (4 µs, where a commit takes a hundred and more), and gives why nothing may be answered as stored; `null` if it may. */
  refusal(): string | null
}

/** @param onChange called with the name of the file that is gone, and with `null` once it is back */
export function guardFile(db: DatabaseSync, onChange: (gone: string | null) => void): FileGuard {
  const path = db.location()
  const watched = path === null ? [] : [path, `${path}-wal`].map((name) => ({ name, id: identity(name) }))
  let gone: string | null = null
  return {
    refusal() {
      const found = watched.find(({ name, id }) => identity(name) !== id)?.name ?? null
      if (found !== gone) {
        gone = found
        if (gone !== null) emptyLog(db)
        onChange(gone)
      }
      return gone === null ? null : `${gone} was removed or replaced while it was in use: ${ADVICE}`
    },
  }
}

const ADVICE = 'put it back, or restart to go on with what is there now'

/**
 * Copies the `-wal` back into the file that it belongs to. Otherwise the next start would find it beside the other file,
 * take it for that one's and ruin it; and a `-wal` that was removed would take its changes along.
 */
function emptyLog(db: DatabaseSync): void {
  try {
    db.exec('pragma wal_checkpoint(truncate)')
  } catch {
    // A full disk. Nothing else can be done about it here.
  }
}

function identity(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? null : `${found.dev}:${found.ino}`
}
