import type { DatabaseSync } from 'node:sqlite'

/** Deletes a body that a person has decided about. */
export function prepareDropQuarantined(db: DatabaseSync) {
  const remove = db.prepare('delete from quarantine where id = ?')

  return (id: string): boolean => Number(remove.run(id.toLowerCase()).changes) > 0
}
