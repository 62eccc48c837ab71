type Follow = (signal: NodeJS.Signals) => void

const FOLLOWED = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/**
 * The signals that the process follows. They are caught from the first moment on, because a signal that nobody catches
 * ends the process, and kept until the rest of the program is loaded and can say what they mean.
 */
export class Signals {
  #early: NodeJS.Signals[] = []
  #follow: Follow = (signal) => void this.#early.push(signal)

  constructor() {
    for (const name of FOLLOWED) process.on(name, (signal) => this.#follow(signal))
  }

  /** From now on they go there, those that came earlier first. */
  follow(follow: Follow): void {
    this.#follow = follow
    for (const signal of this.#early.splice(0)) follow(signal)
  }
}
