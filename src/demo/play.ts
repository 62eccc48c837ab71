import { systemClock } from '../time/clock.ts'
import type { Receiver } from './receiver.ts'
import type { Scene } from './scenes.ts'
import type { Service } from './service.ts'
import { callsFor, formatTable, rowOf } from './table.ts'

const LOOK_AGAIN_MS = 20

/**
 * Sends every scene, waits for the deliveries that are expected, and prints the table.
 * @param signal ends the wait
 * @returns whether every row is as expected
 */
export async function play(
  script: readonly Scene[],
  service: Service,
  receiver: Receiver,
  signal: AbortSignal,
): Promise<boolean> {
  const answers: (string | null)[] = []
  for (const scene of script) answers.push(await send(scene, service, signal))
  const isMissing = (scene: Scene) => scene.isDelivered && callsFor(scene, receiver.calls).length === 0
  while (script.some(isMissing) && !signal.aborted) await pause(LOOK_AGAIN_MS)

  const rows = script.map((scene, index) => rowOf(scene, answers[index] ?? null, receiver.calls))
  console.log(formatTable(rows))
  const right = rows.filter(({ verdict }) => verdict === 'ok').length
  console.log(`\n${right} of ${rows.length} as expected.`)
  const missing = script.filter(isMissing).map(({ title }) => title)
  if (missing.length > 0) console.error(`The hook did not receive: ${missing.join('; ')}`)
  return right === rows.length
}

/** @returns the status and the word for it, `null` if no answer came */
async function send(
  { headers, body }: Scene,
  { publicUrl }: Service,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const response = await fetch(`${publicUrl}/webhooks/seam`, { method: 'POST', headers, body, signal })
    // In a problem document the word is the `code`; its `status` is the number once more.
    const answer = (await response.json()) as { code?: string; status: string }
    return `${response.status} ${answer.code ?? answer.status}`
  } catch {
    return null
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.after(ms, resolve))
}
