import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from './inspector.ts'
import type { Thread } from './inspector.ts'

/** What a process takes while it has nothing to do. Bytes, and counts. */
export interface Footprint {
  /** By thread, what is in use after a full collection. */
  heap: Record<string, number>
  /** Memory of buffers and the like, which the heaps refer to; all threads together. */
  external: number
  /** What the system has given to the process. Depends on when collections ran, so it is told and not judged. */
  resident: number
  /** Connections, open files, and what keeps each thread's event loop alive, such as timers; each by its kind. */
  counts: Record<string, number>
}

export interface Inspected {
  pid: number
  inspectorUrl: string
}

interface Reading {
  memory: NodeJS.MemoryUsage
  resources: string[]
}

/** Connections that are kept for the next request are closed within this time, and their memory is freed. */
const READINGS = 20
const READING_GAP_MS = 1000
/** What a finaliser lets go of is freed by the next collection. */
const COLLECTIONS = 2

/**
 * The least of several readings, each number for itself: what a process does now and then shows in some of them, and
 * what it never lets go of shows in all.
 */
export function footprintOf({ pid, inspectorUrl }: Inspected, readings = READINGS): Promise<Footprint> {
  return inspect(inspectorUrl, async (threads) => {
    const footprints: Footprint[] = []
    for (let n = 0; n < readings; n++) {
      if (n > 0) await delay(READING_GAP_MS)
      footprints.push(await read(pid, threads))
    }
    return footprints.reduce(lesser)
  })
}

async function read(pid: number, threads: readonly Thread[]): Promise<Footprint> {
  const footprint: Footprint = { heap: {}, external: 0, resident: 0, counts: {} }
  const count = (kind: string) => void (footprint.counts[kind] = (footprint.counts[kind] ?? 0) + 1)
  for (const thread of threads) {
    for (let n = 0; n < COLLECTIONS; n++) await thread.collectGarbage()
    const { memory, resources } = await thread.evaluate<Reading>(
      '{ memory: process.memoryUsage(), resources: process.getActiveResourcesInfo() }',
    )
    footprint.heap[thread.name] = memory.heapUsed
    footprint.external += memory.external
    footprint.resident = memory.rss
    for (const resource of resources) count(`${thread.name}: ${resource}`)
    count('threads')
  }
  const connected = connectedInodes(pid)
  for (const target of openFiles(pid)) {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(target) ?? []
    if (inode === undefined) count(`open ${kindOf(target)}`)
    else count(connected.has(inode) ? 'connections' : 'other sockets')
  }
  return footprint
}

function kindOf(target: string): string {
  if (target.startsWith('/')) return 'files'
  return target.replace(/^anon_inode:\[?|\]$/g, '').replace(/:\[\d+$/, '')
}

function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      // Closed in the meantime.
      return []
    }
  })
}

const ESTABLISHED = '01'

function connectedInodes(pid: number): Set<string> {
  const rows = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((row) => row.trim().split(/\s+/)),
  )
  return new Set(rows.filter((row) => row[3] === ESTABLISHED).map((row) => row[9] as string))
}

function lesser(one: Footprint, other: Footprint): Footprint {
  return {
    heap: least(one.heap, other.heap, Infinity),
    external: Math.min(one.external, other.external),
    resident: Math.min(one.resident, other.resident),
    // A kind that one of them has not was not there at all.
    counts: least(one.counts, other.counts, 0),
  }
}

function least(
  one: Record<string, number>,
  other: Record<string, number>,
  absent: number,
): Record<string, number> {
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries(
    [...names].map((name) => [name, Math.min(one[name] ?? absent, other[name] ?? absent)]),
  )
}
