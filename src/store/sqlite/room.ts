import { rmSync, writeFileSync } from 'node:fs'

/** A page of each table and index that an acceptance changes, with the log's own headers: some 30 pages of 4 KiB. */
const PAGES_BYTES = 131_072

/**
 * Throws if the disk has no room for an acceptance of the largest body. Tried by writing that much into a file beside
 * the store's: a change in the database that is rolled back never reaches the disk, and one row that is rewritten
 * fits into pages that are already there.
 */
export function tryRoom(storeFile: string, largestBodyBytes: number): void {
  const probe = `${storeFile}.room`
  try {
    writeFileSync(probe, Buffer.alloc(largestBodyBytes + PAGES_BYTES), { flush: true })
  } finally {
    rmSync(probe, { force: true })
  }
}
