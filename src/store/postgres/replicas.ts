import { randomUUID } from 'node:crypto'
import type { Announcement } from '../store.ts'
import type { Connections, Row } from './connections.ts'
import { ENTER, LEAVE, RENEW } from './statements/announce.ts'
import { FORGET, FREE, HOOKS_OF_LEASES } from './statements/free-leases.ts'

/** How far a walk over the leases of one hook has come. */
interface Walk {
  hook: string
  dueAt: string
  eventSeq: number
}

/**
 * This process among the replicas of a database: its row in `replicas`, and freeing what the gone ones had leased.
 *
 *   here ──▶ no sign for 15 s ──▶ gone ──▶ its leases are put back, step by step ──▶ its row is deleted
 *
 * A replica that wakes after it was declared gone goes on under a new id. So a walk that frees the old id's leases never
 * meets a lease that was taken since.
 */
export class Replicas {
  readonly #connections: Connections
  readonly #version: string
  #id: string | null = null
  /** Freeing under way: of these replicas, by these walks, the first one being walked. */
  #freeing: { ids: string[]; walks: Walk[] } | null = null

  constructor(connections: Connections, version: string) {
    this.#connections = connections
    this.#version = version
  }

  /** Who leases. `null` before the first announcement: then leases only run out. */
  get id(): string | null {
    return this.#id
  }

  async announce(): Promise<Announcement> {
    const { others, gone } = (this.#id === null ? null : await this.#renew(this.#id)) ?? (await this.#enter())
    if (this.#freeing === null && gone.length > 0) this.#freeing = await this.#walksOf(gone)
    const freed = await this.#freeStep()
    return { kind: 'shared', others, freed, hasMore: this.#freeing !== null }
  }

  async leave(): Promise<void> {
    if (this.#id !== null) await this.#connections.run(LEAVE, [this.#id])
    this.#id = null
  }

  /** `null` if this replica has been declared gone. */
  async #renew(id: string): Promise<Told | null> {
    const told = toldBy(await this.#connections.run(RENEW, [id]))
    if (told === null) this.#id = null
    return told
  }

  async #enter(): Promise<Told> {
    const id = randomUUID()
    const told = toldBy(await this.#connections.run(ENTER, [id, this.#version]))
    this.#id = id
    return told ?? { others: 0, gone: [] }
  }

  async #walksOf(ids: string[]): Promise<{ ids: string[]; walks: Walk[] }> {
    const rows = await this.#connections.run(HOOKS_OF_LEASES)
    const walks = rows.map((row) => ({
      hook: row['hook'] as string,
      dueAt: row['now'] as string,
      eventSeq: 0,
    }))
    return { ids, walks }
  }

  /** @returns how many were put back */
  async #freeStep(): Promise<number> {
    const freeing = this.#freeing
    if (freeing === null) return 0
    const walk = freeing.walks[0]
    if (walk === undefined) {
      await this.#connections.run(FORGET, [freeing.ids])
      this.#freeing = null
      return 0
    }
    const values = [walk.hook, walk.dueAt, walk.eventSeq, freeing.ids]
    const [row] = await this.#connections.run(FREE, values)
    const { dueAt, eventSeq, freed } = stepBy(row as Row)
    if (dueAt === null) freeing.walks.shift()
    else freeing.walks[0] = { hook: walk.hook, dueAt, eventSeq }
    return freed
  }
}

/** `dueAt` is null at the end of a walk. */
function stepBy(row: Row): { dueAt: string | null; eventSeq: number; freed: number } {
  return {
    dueAt: row['due_at'] as string | null,
    eventSeq: row['event_seq'] as number,
    freed: row['freed'] as number,
  }
}

/** Of the other replicas: how many live, and which are gone. */
interface Told {
  others: number
  gone: string[]
}

function toldBy([row]: Row[]): Told | null {
  if (row?.['is_here'] !== true) return null
  return { others: row['others'] as number, gone: row['gone'] as string[] }
}
