import type { Footprint } from './footprint.ts'

/** Memory may grow by this share from the first measurement to the last. */
const MEMORY_SHARE = 0.1
/** Half of one pool of connections: how many of them are open at rest is chance. A leak adds one for every fault. */
const COUNT_SLACK = 5
const COUNT_SHARE = 0.1
const MIB = 1_048_576

/** What has grown by more than it may, each as a sentence. Pure. */
export function growths(early: Footprint, late: Footprint): string[] {
  const sentences: string[] = []
  const judgeMemory = (what: string, before: number, after: number) => {
    if (after <= before * (1 + MEMORY_SHARE)) return
    const percent = ((after / before - 1) * 100).toFixed(1)
    sentences.push(
      `${what} grew from ${mib(before)} to ${mib(after)}, by ${percent} %; ${MEMORY_SHARE * 100} % are allowed`,
    )
  }
  for (const thread of namesOf(early.heap, late.heap)) {
    const [before, after] = [early.heap[thread], late.heap[thread]]
    if (before === undefined) sentences.push(`the thread ${thread} was not there at the first measurement`)
    else if (after === undefined) sentences.push(`the thread ${thread} has gone`)
    else judgeMemory(`the heap of ${thread}`, before, after)
  }
  judgeMemory('memory outside the heaps', early.external, late.external)
  for (const kind of namesOf(early.counts, late.counts)) {
    const [before, after] = [early.counts[kind] ?? 0, late.counts[kind] ?? 0]
    if (after <= before + Math.max(COUNT_SLACK, before * COUNT_SHARE)) continue
    sentences.push(`"${kind}" grew from ${before} to ${after}, which is more than chance`)
  }
  return sentences
}

/** Both measurements side by side, a line for each number. */
export function table(early: Footprint, late: Footprint): string[] {
  const line = (what: string, before: string, after: string) =>
    `${what.padEnd(40)}${before.padStart(12)}${after.padStart(12)}`
  const ofMemory = (what: string, before = NaN, after = NaN) => line(what, mib(before), mib(after))
  return [
    line('', 'early', 'end'),
    ...namesOf(early.heap, late.heap).map((thread) =>
      ofMemory(`heap of ${thread}`, early.heap[thread], late.heap[thread]),
    ),
    ofMemory('memory outside the heaps', early.external, late.external),
    ofMemory('resident (not judged)', early.resident, late.resident),
    ...namesOf(early.counts, late.counts).map((kind) =>
      line(kind, String(early.counts[kind] ?? 0), String(late.counts[kind] ?? 0)),
    ),
  ]
}

function namesOf(early: object, late: object): string[] {
  return [...new Set([...Object.keys(early), ...Object.keys(late)])]
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(2)} MiB`
}
