/** Answers that are longer get memory of their own, which is not kept. */
const KEPT_BYTES = 2_097_152
const FIRST_BYTES = 65_536

/**
 * Holds one answer at a time, in the same memory each time. A new half a mebibyte for each answer would be freed only when the
 * whole heap is next collected, and by then there are dozens.
 */
export class AnswerBuffer {
  #kept: Buffer | null = null

  /**
   * The whole body, or `null` if it is longer than this.
   * @returns bytes that the next call overwrites
   */
  async read(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer | null> {
    // Taken away meanwhile: should two answers come at once, each has its own.
    let buffer = this.#kept ?? Buffer.allocUnsafeSlow(FIRST_BYTES)
    this.#kept = null
    let bytes = 0
    for await (const chunk of body) {
      // Leaving the loop destroys the stream, and with it the connection.
      if (bytes + chunk.length > maxBytes) return null
      if (bytes + chunk.length > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(2 * buffer.length, bytes + chunk.length))
        buffer.copy(larger, 0, 0, bytes)
        buffer = larger
      }
      bytes += chunk.copy(buffer, bytes)
    }
    if (buffer.length <= KEPT_BYTES) this.#kept = buffer
    return buffer.subarray(0, bytes)
  }
}
