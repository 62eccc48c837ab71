import type { Clock } from '../time/clock.ts'

/**
 * `go`: read its body, and call `leave` once its signature has been judged. `forger`: the address has spent its
 * forgeries. `crowded`: too many of its requests have waited for too long.
 */
export type Turn = 'go' | 'forger' | 'crowded'

interface Stranger {
  /** Requests whose bodies are being read and whose signatures are not judged yet. */
  open: number
  waiting: Waiter[]
}

interface Waiter {
  answer(turn: Turn): void
}

/** The sender gives up after 15 s and tries again after 5 s; a genuine first webhook is judged in milliseconds. */
const MAX_WAIT_MS = 2000

/**
 * Lets requests of strangers in. A stranger is an address from which no webhook was verified lately. Each of its requests
 * may be forged, so it has no more of them open than its forgery limit has left. Its further requests wait, and their
 * bodies are not read meanwhile:
 *
 *   enter ──▶ waiting ──▶ go ──▶ leave      a verdict, or a body that never came whole, lets the next one in;
 *                │                          the first verified webhook lets all of them in
 *                └──▶ forger | crowded      refused: the address has spent its forgeries, or 2 s have passed
 */
export class StrangerTurns {
  readonly #clock: Clock
  readonly #forgeriesLeft: (address: string) => number
  readonly #strangers = new Map<string, Stranger>()

  /** @param forgeriesLeft how many an address may still send; `Infinity` once a webhook from it was verified */
  constructor(clock: Clock, forgeriesLeft: (address: string) => number) {
    this.#clock = clock
    this.#forgeriesLeft = forgeriesLeft
  }

  /** The turn, or the wait for it, which can be ended as `crowded`. */
  enter(address: string): Turn | { turn: Promise<Turn>; giveUp: () => void } {
    const stranger = this.#strangers.get(address) ?? { open: 0, waiting: [] }
    const turn = this.#turn(address, stranger)
    if (turn === 'forger') return turn
    this.#strangers.set(address, stranger)
    if (turn === 'wait') return this.#wait(stranger)
    stranger.open++
    return turn
  }

  /** Has to be called once for each `go`, after the forgery was counted or the sender became known. */
  leave(address: string): void {
    const stranger = this.#strangers.get(address)
    if (stranger === undefined) return
    stranger.open--
    for (let turn = this.#turn(address, stranger); turn !== 'wait'; turn = this.#turn(address, stranger)) {
      const next = stranger.waiting.shift()
      if (next === undefined) break
      if (turn === 'go') stranger.open++
      next.answer(turn)
    }
    if (stranger.open === 0 && stranger.waiting.length === 0) this.#strangers.delete(address)
  }

  #wait(stranger: Stranger): { turn: Promise<Turn>; giveUp: () => void } {
    const { promise, resolve } = Promise.withResolvers<Turn>()
    const giveUp = () => {
      stranger.waiting = stranger.waiting.filter((one) => one !== waiter)
      waiter.answer('crowded')
    }
    const timer = this.#clock.after(MAX_WAIT_MS, giveUp)
    const waiter: Waiter = {
      answer(turn) {
        timer.close()
        resolve(turn)
      },
    }
    stranger.waiting.push(waiter)
    return { turn: promise, giveUp }
  }

  #turn(address: string, { open }: Stranger): 'go' | 'forger' | 'wait' {
    const left = this.#forgeriesLeft(address)
    if (left <= 0) return 'forger'
    return open < left ? 'go' : 'wait'
  }
}
