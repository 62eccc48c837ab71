import { readFileSync } from 'node:fs'

/** Where the system does not tell: what macOS gives a process at the least. */
const USUAL_LIMIT = 256

/** How many files and connections this process may have open at one time. */
export function openFileLimit(): number {
  try {
    // "Max open files            1024                 1048576              files": the first is the one that counts.
    const limit = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit ?? USUAL_LIMIT)
  } catch {
    return USUAL_LIMIT
  }
}
