import type { Clock } from '../../time/clock.ts'
import type { ClaimResult, ClaimWant } from '../store.ts'
import type { Connections, Row } from './connections.ts'
import { DueFloor } from './due-floor.ts'
import { CLAIM } from './statements/claim.ts'
import { claimInOrder } from './statements/claim-ordered.ts'
import { claimedDelivery, isLeased } from './statements/leased.ts'
import { unblockAll } from './statements/unblock.ts'

/** Leases deliveries that are due. One that another replica is leasing at this moment is passed over. */
export class Claimer {
  readonly #connections: Connections
  readonly #floor: DueFloor
  /** Unordered hooks that have no blocked deliveries left. */
  readonly #unblocked = new Set<string>()

  constructor(connections: Connections, clock: Clock) {
    this.#connections = connections
    this.#floor = new DueFloor(clock)
  }

  /** @param replica who leases; `null` if it has not announced itself */
  async claim(wants: readonly ClaimWant[], replica: string | null = null): Promise<ClaimResult> {
    const floors = new Map(wants.map(({ hook }) => [hook, this.#floor.of(hook)]))
    const answers = await this.#answers(wants, floors, replica)
    for (const [want, rows] of answers) {
      this.#floor.looked(want.hook, floors.get(want.hook) ?? null, lookedUpTo(want, rows))
    }
    const answered = new Set(answers.map(([want]) => want))
    const failedHooks = wants.filter((want) => !answered.has(want)).map(({ hook }) => hook)
    return {
      deliveries: answers.flatMap(([, rows]) => rows.filter(isLeased).map(claimedDelivery)),
      nextDueInMs: least(answers.map(([want, rows]) => nextDueInMs(want, rows))),
      ...(failedHooks.length > 0 ? { failedHooks } : {}),
    }
  }

  /** For all wants or, if the second step failed, for those of the first, whose deliveries are leased already. */
  async #answers(wants: readonly ClaimWant[], floors: Floors, replica: string | null): Promise<Answer[]> {
    const ordered = await this.#claimOrdered(wants.filter(isOrdered), floors, replica)
    try {
      return [
        ...ordered,
        ...(await this.#claimAny(
          wants.filter((want) => !isOrdered(want)),
          floors,
          replica,
        )),
      ]
    } catch (error) {
      if (ordered.every(([, rows]) => !rows.some(isLeased))) throw error
      return ordered
    }
  }

  async #claimOrdered(
    wants: readonly ClaimWant[],
    floors: Floors,
    replica: string | null,
  ): Promise<Answer[]> {
    if (wants.length === 0) return []
    for (const { hook } of wants) this.#unblocked.delete(hook)
    const [, ...claims] = await this.#connections.transaction(claimInOrder(wants, floors, replica))
    return claims.map((rows, index) => [wants[index] as ClaimWant, rows])
  }

  async #claimAny(wants: readonly ClaimWant[], floors: Floors, replica: string | null): Promise<Answer[]> {
    if (wants.length === 0) return []
    const hooks = wants.map(({ hook }) => hook)
    await this.#unblock(hooks.filter((hook) => !this.#unblocked.has(hook)))
    const rows = await this.#connections.run(CLAIM, [
      hooks,
      wants.map(({ limit }) => limit),
      wants.map(({ maxBytes }) => maxBytes),
      wants.map(({ leaseMs }) => leaseMs),
      hooks.map((hook) => floors.get(hook)),
      replica,
    ])
    return wants.map((want) => [want, rows.filter((row) => row['wanted_by'] === want.hook)])
  }

  /** Once for each hook. What a replica with other settings blocks later is unblocked when the delivery before it ends. */
  async #unblock(hooks: readonly string[]): Promise<void> {
    if (hooks.length === 0) return
    const [statement, values] = unblockAll(hooks)
    await this.#connections.run(statement, values)
    for (const hook of hooks) this.#unblocked.add(hook)
  }
}

type Answer = [want: ClaimWant, rows: Row[]]
/** From which due time on to look, for each hook: milliseconds since 1970, or `null` for the beginning. */
type Floors = ReadonlyMap<string, number | null>

/** Up to which due time every delivery was looked at: milliseconds since 1970, or `null` if that is not known. */
function lookedUpTo({ limit }: ClaimWant, rows: readonly Row[]): number | null {
  const leased = rows.filter(isLeased)
  const isThrough = leased.length < limit && rows[0]?.['is_through'] !== false
  return (isThrough ? rows[0]?.['at'] : (leased.at(-1)?.['was_due'] ?? null)) as number | null
}

function isOrdered(want: ClaimWant): boolean {
  return want.ordered === true
}

/** A hook that was given its limit claims again when it has room, whatever is due. */
function nextDueInMs({ limit, leaseMs }: ClaimWant, rows: readonly Row[]): number | null {
  const given = rows.filter(isLeased).length
  if (given === limit) return null
  if (rows[0]?.['is_through'] === false) return 0
  const next = rows[0]?.['next_due_in_ms'] as number | null
  return least([next, given > 0 ? leaseMs : null])
}

function least(spans: readonly (number | null)[]): number | null {
  const known = spans.filter((span) => span !== null)
  return known.length === 0 ? null : Math.max(0, Math.ceil(Math.min(...known)))
}
