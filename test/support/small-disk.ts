import { execFileSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { scratchFolder } from './scratch.ts'

/** A file system of 8 MiB in memory, which a test can fill. */
export interface SmallDisk {
  folder: string
  /** @param leftBytes how much stays free */
  fill(leftBytes?: number): void
  makeRoom(): void
}

/** `null` where no file system can be mounted, for want of the right to. It is unmounted when the test has finished. */
export function mountSmallDisk(): SmallDisk | null {
  const folder = scratchFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return null
  }
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  const filler = join(folder, 'filler')
  return {
    folder,
    fill(leftBytes = 0) {
      const { bavail, bsize } = statfsSync(folder)
      writeFileSync(filler, Buffer.alloc(bavail * bsize - leftBytes))
    },
    makeRoom() {
      rmSync(filler)
    },
  }
}
