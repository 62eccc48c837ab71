import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** The `DATABASE_URL` of an embedded store in a folder that is deleted when the test has finished. */
export function scratchDatabase(): { DATABASE_URL: string } {
  return { DATABASE_URL: `sqlite:${join(scratchFolder(), 'relay.db')}` }
}

/** A folder that is deleted when the test has finished. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'seam-relay-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
