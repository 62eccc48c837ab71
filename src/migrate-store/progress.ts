import type { Clock } from '../time/clock.ts'
import type { Batch } from './batches.ts'
import { CARRIED_TABLES } from './carried-table.ts'
import { totalOf } from './counts.ts'
import type { Counts } from './counts.ts'

const EVERY_MS = 1000

/** Tells how far each table is: at most once a second, and once at the end. */
export class Progress {
  readonly #clock: Clock
  readonly #totals: Counts
  readonly #say: (line: string) => void
  readonly #done = new Map<string, number>()
  #saidAt: number

  constructor(clock: Clock, totals: Counts, say: (line: string) => void) {
    this.#clock = clock
    this.#saidAt = clock.steadyMs()
    this.#totals = totals
    this.#say = say
  }

  carried({ parts }: Batch): void {
    for (const { table, rows } of parts) {
      this.#done.set(table.name, (this.#done.get(table.name) ?? 0) + rows.length)
    }
    if (this.#clock.steadyMs() - this.#saidAt >= EVERY_MS) this.tell()
  }

  tell(): void {
    this.#saidAt = this.#clock.steadyMs()
    const parts = CARRIED_TABLES.map(
      ({ name }) => `${name} ${this.#done.get(name) ?? 0}/${totalOf(this.#totals, name)}`,
    )
    this.#say(parts.join('   '))
  }
}
