import type { Call } from './receiver.ts'
import type { Scene } from './scenes.ts'

/** A row of the table: what became of a scene. */
export interface Row {
  sent: string
  answered: string
  received: string
  verdict: 'ok' | 'WRONG'
}

const HEADING = {
  sent: 'sent to seam-relay',
  answered: 'its answer',
  received: 'received by the hook',
  verdict: '',
}

/** @param answer status and word, `null` if no answer came */
export function rowOf(scene: Scene, answer: string | null, calls: readonly Call[]): Row {
  const ownCalls = callsFor(scene, calls)
  const fits =
    answer === scene.expectedAnswer &&
    ownCalls.length === (scene.isDelivered ? 1 : 0) &&
    ownCalls.every(({ verified }) => verified)
  return {
    sent: scene.title,
    answered: answer ?? 'no answer',
    received: describe(ownCalls, scene.isResend),
    verdict: fits ? 'ok' : 'WRONG',
  }
}

/**
 * The requests with the scene's body, byte for byte. A resend has the body of an earlier scene, so the first of
 * them belongs to that scene.
 */
export function callsFor(scene: Scene, calls: readonly Call[]): Call[] {
  const sameBody = calls.filter(({ body }) => body === scene.body)
  return scene.isResend ? sameBody.slice(1) : sameBody
}

export function formatTable(rows: readonly Row[]): string {
  const lines = [HEADING, ...rows]
  const width = (column: keyof Row) => Math.max(...lines.map((line) => line[column].length))
  const widths = { sent: width('sent'), answered: width('answered'), received: width('received') }
  return lines
    .map(({ sent, answered, received, verdict }) =>
      [
        sent.padEnd(widths.sent),
        answered.padEnd(widths.answered),
        received.padEnd(widths.received),
        verdict,
      ].join('  '),
    )
    .map((line) => line.trimEnd())
    .join('\n')
}

function describe(calls: readonly Call[], isResend: boolean): string {
  if (calls.length === 0) return isResend ? 'nothing more' : 'nothing'
  const times = calls.length === 1 ? 'once' : `${calls.length} times`
  const verified = calls.every((call) => call.verified)
  return `${times}, signature ${verified ? 'verified' : 'NOT verified'}`
}
