import type { IncomingMessage } from 'node:http'
import type { BodyHold } from './body-budget.ts'

export type BodyReadProblem = 'body_too_large' | 'body_incomplete' | 'unavailable'

/**
 * Reads a body whose bytes are taken from the budget as they arrive. Once it is refused nothing more of it is kept: the
 * rest flows away unread. Never rejects.
 */
export function readBody(
  request: IncomingMessage,
  hold: BodyHold,
  maxBytes: number,
): Promise<{ bytes: Buffer } | { problem: BodyReadProblem }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let length = 0

    function end(result: { bytes: Buffer } | { problem: BodyReadProblem }): void {
      request.off('data', onData).off('end', onEnd).off('close', onBroken).off('error', onBroken)
      hold.onCut = () => {}
      // If the connection breaks later, nobody waits for this body any more.
      request.on('error', () => {})
      if ('problem' in result) {
        hold.release()
        request.resume()
      }
      resolve(result)
    }
    function onData(chunk: Buffer): void {
      length += chunk.length
      if (length > maxBytes) return end({ problem: 'body_too_large' })
      if (!hold.growTo(length)) return end({ problem: 'unavailable' })
      chunks.push(chunk)
    }
    function onEnd(): void {
      hold.arrived()
      end({ bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length) })
    }
    const onBroken = () => end({ problem: 'body_incomplete' })

    if (request.destroyed && !request.complete) return end({ problem: 'body_incomplete' })
    hold.onCut = () => end({ problem: 'unavailable' })
    request.on('data', onData).on('end', onEnd).on('close', onBroken).on('error', onBroken)
  })
}
