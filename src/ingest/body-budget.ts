import type { Clock } from '../time/clock.ts'

/** Bytes of bodies that are in memory, out of so many. */
interface Share {
  bytes: number
  readonly max: number
}

const MIB = 1_048_576
/** For addresses from which a webhook was verified lately: nobody else can fill this. */
const SENDERS_BYTES = 48 * MIB
/** For all other addresses together. */
const STRANGERS_BYTES = 24 * MIB
/** For one of those. */
const ONE_STRANGER_BYTES = 8 * MIB
/** A body that takes longer than this makes room when room is needed. A sender's own takes milliseconds. */
const SLOW_MS = 1000

/**
 * Bounds the bytes of all bodies that are in memory together, by the bytes that have arrived. Where a body finds no
 * room, the oldest body that is still arriving is cut if it has taken longer than a second. So a client that
 * sends slowly, or stops, keeps the room for a second at most. If no body can be cut, the new one is refused.
 */
export class BodyBudget {
  readonly #clock: Clock
  readonly #senders: Share
  readonly #strangers: Share
  readonly #oneStrangerBytes: number
  readonly #byStranger = new Map<string, { share: Share; bodies: number }>()
  /** Still arriving, the oldest first. */
  readonly #arriving = new Set<BodyHold>()

  /** @param maxBodyBytes a body of this size fits into each share, however small the share would be without it */
  constructor(clock: Clock, maxBodyBytes: number) {
    this.#clock = clock
    this.#senders = { bytes: 0, max: Math.max(SENDERS_BYTES, 4 * maxBodyBytes) }
    this.#strangers = { bytes: 0, max: Math.max(STRANGERS_BYTES, 3 * maxBodyBytes) }
    this.#oneStrangerBytes = Math.max(ONE_STRANGER_BYTES, maxBodyBytes)
  }

  /** @param stranger the address, if nothing verified has come from it lately */
  open(stranger: string | null): BodyHold {
    const shares = stranger === null ? [this.#senders] : [this.#strangers, this.#enter(stranger)]
    const hold: BodyHold = new BodyHold(this.#clock.steadyMs(), shares, {
      makeRoom: (share) => this.#makeRoom(share, hold),
      arrived: () => this.#arriving.delete(hold),
      released: () => {
        this.#arriving.delete(hold)
        if (stranger !== null) this.#leave(stranger)
      },
    })
    this.#arriving.add(hold)
    return hold
  }

  #enter(stranger: string): Share {
    const known = this.#byStranger.get(stranger) ?? {
      share: { bytes: 0, max: this.#oneStrangerBytes },
      bodies: 0,
    }
    known.bodies++
    this.#byStranger.set(stranger, known)
    return known.share
  }

  #leave(stranger: string): void {
    const known = this.#byStranger.get(stranger)
    if (known !== undefined && --known.bodies === 0) this.#byStranger.delete(stranger)
  }

  /** Cuts the oldest slow body of this share. `false`: there is none. */
  #makeRoom(share: Share, asking: BodyHold): boolean {
    for (const hold of this.#arriving) {
      if (this.#clock.steadyMs() - hold.openedAt < SLOW_MS) return false
      if (hold === asking || hold.bytes === 0 || !hold.isIn(share)) continue
      hold.cut()
      return true
    }
    return false
  }
}

interface Owner {
  makeRoom(share: Share): boolean
  arrived(): void
  released(): void
}

/** What one body takes of the budget. */
export class BodyHold {
  /** Called when the body is cut for another one. */
  onCut: () => void = () => {}
  readonly openedAt: number
  readonly #shares: readonly Share[]
  readonly #owner: Owner
  #bytes = 0
  #isReleased = false

  constructor(openedAt: number, shares: readonly Share[], owner: Owner) {
    this.openedAt = openedAt
    this.#shares = shares
    this.#owner = owner
  }

  get bytes(): number {
    return this.#bytes
  }

  isIn(share: Share): boolean {
    return this.#shares.includes(share)
  }

  /** Takes as many bytes as are needed to have so many. `false`: there is no room for them, or the body was cut. */
  growTo(bytes: number): boolean {
    if (this.#isReleased) return false
    const more = bytes - this.#bytes
    if (more <= 0) return true
    for (const share of this.#shares) {
      while (share.bytes + more > share.max) if (!this.#owner.makeRoom(share)) return false
    }
    this.#take(more)
    return true
  }

  /** The body is whole: it is not cut any more. */
  arrived(): void {
    this.#owner.arrived()
  }

  cut(): void {
    this.release()
    this.onCut()
  }

  /** May be called twice. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#take(-this.#bytes)
    this.#owner.released()
  }

  #take(bytes: number): void {
    this.#bytes += bytes
    for (const share of this.#shares) share.bytes += bytes
  }
}
