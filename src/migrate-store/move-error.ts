/** Why the move cannot be made or cannot go on, in one line for a person. Never with a password in it. */
export class MoveError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'MoveError'
  }
}
