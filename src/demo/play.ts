import { setTimeout as delay } from 'node:timers/promises'
import type { Receiver } from './receiver.ts'
import type { Scene } from './scenes.ts'
import type { Service } from './service.ts'
import { callsFor, formatTable, rowOf } from './table.ts'

const LOOK_AGAIN_MS = 20

/**
 * Sends every scene, waits for what has to be delivered, and prints the table.
 * @param signal ends the waiting
 * @returns whether every row is as it must be
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
  while (script.some(isMissing) && !signal.aborted) await delay(LOOK_AGAIN_MS)

  const rows = script.map((scene, index) => rowOf(scene, answers[index] ?? null, receiver.calls))
  console.log(formatTable(rows))
  const missing = script.filter(isMissing).map(({ title }) => title)
  if (missing.length > 0) console.error(`\nnot received by the hook: ${missing.join('; ')}`)
  return rows.every(({ verdict }) => verdict === 'ok')
}

/** @returns the status and the word for it, or `null` where no answer came */
async function send(
  { headers, body }: Scene,
  { publicUrl }: Service,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const response = await fetch(`${publicUrl}/webhooks/seam`, { method: 'POST', headers, body, signal })
    // A problem's `status` is the number again, and its word is the `code`.
    const answer = (await response.json()) as { code?: string; status: string }
    return `${response.status} ${answer.code ?? answer.status}`
  } catch {
    return null
  }
}
