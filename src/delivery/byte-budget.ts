/** Bytes of bodies that the windows of all hooks may hold together. */
export class ByteBudget {
  readonly #maxBytes: number
  #usedBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Below zero where one large body went past the limit. */
  get freeBytes(): number {
    return this.#maxBytes - this.#usedBytes
  }

  /** @param bytes negative to give them back */
  use(bytes: number): void {
    this.#usedBytes += bytes
  }
}
