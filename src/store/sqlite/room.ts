import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** A page of each table and index that an acceptance changes, with the log's own headers: some 30 pages of 4 KiB. */
const PAGES_BYTES = 131_072
/** With this much more than is needed, what the file system says of itself is good enough. */
const PLENTY_BYTES = 67_108_864

/**
 * Throws if the disk has no room for an acceptance of the largest body. Where there is plenty, nothing is written: this
 * is asked each second, in the thread that acceptances wait for. Where there may not be, it is tried by writing that
 * much into a file beside the store's: a change in the database that is rolled back never reaches the disk, and one row
 * that is rewritten fits into pages that are already there.
 */
export function tryRoom(storeFile: string, largestBodyBytes: number): void {
  const neededBytes = largestBodyBytes + PAGES_BYTES
  const { bavail, bsize } = statfsSync(dirname(storeFile))
  if (bavail * bsize > neededBytes + PLENTY_BYTES) return
  const probe = `${storeFile}.room`
  try {
    writeFileSync(probe, Buffer.alloc(neededBytes), { flush: true })
  } finally {
    rmSync(probe, { force: true })
  }
}
