import type { Clock } from '../time/clock.ts'
import type { Places } from './arguments.ts'
import { batchesOf } from './batches.ts'
import { EVENT_TABLES, OTHER_TABLES } from './carried-table.ts'
import { differing, showCounts } from './counts.ts'
import { judgeTarget } from './judge-target.ts'
import { MoveError } from './move-error.ts'
import { Progress } from './progress.ts'
import { Source } from './source.ts'
import { Target } from './target.ts'

/**
 * Carries everything from the source to the target, and tells how far it is.
 * @throws {MoveError} if it cannot be done, or if the target is not the same as the source in the end
 */
export async function move({ from, to }: Places, clock: Clock, say: (text: string) => void): Promise<void> {
  const source = Source.open(from, clock.wallMs())
  try {
    const target = await Target.open(to)
    try {
      await carry(source, target, clock, say)
    } finally {
      await target.close()
    }
  } finally {
    source.close()
  }
}

async function carry(
  source: Source,
  target: Target,
  clock: Clock,
  say: (text: string) => void,
): Promise<void> {
  const counts = source.counts()
  await judgeTarget(source, target)
  // First, so that no new event gets a number of the source, even if the move fails half-way.
  await target.numberFrom(source.lastNumber())
  const progress = new Progress(clock, counts, (line) => say(`${line}\n`))
  // An event goes over together with its id and its deliveries, in the order of acceptance. So a target that
  // has only a part has whole events: it never takes an id for a duplicate without having its event.
  for (const tables of [EVENT_TABLES, ...OTHER_TABLES.map((table) => [table])]) {
    for (const batch of batchesOf(source, tables)) {
      await target.write(batch)
      progress.carried(batch)
    }
  }
  progress.tell()
  await target.analyze()
  const arrived = await target.counts()
  say(`\n${showCounts(counts, arrived)}\n`)
  const sorts = differing(counts, arrived)
  if (sorts.length > 0) throw new MoveError(`the counts do not agree: ${sorts.join(', ')}`)
  say('counts agree\n')
}
