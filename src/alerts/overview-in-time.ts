import type { Logger } from '../observability/logger.ts'
import type { Clock } from '../time/clock.ts'

/** What the overview says of everything together, beside the troubles that a message is about. */
export interface OverviewInBrief {
  verdict: 'ok' | 'attention' | 'act'
  /** Text for a person. It may quote what a person wrote, such as the reason of a pause. */
  sentence: string
}

export interface OverviewInTimeOptions {
  overview: () => Promise<OverviewInBrief>
  /** How long it may take. */
  patienceMs: number
  /** Ends the wait at once. */
  signal: AbortSignal
  clock: Clock
  log: Logger
}

/** `null` if it cannot be read, or not in time: an alert must not wait for the store that it may be about. Never rejects. */
export async function overviewInTime({
  overview,
  patienceMs,
  signal,
  clock,
  log,
}: OverviewInTimeOptions): Promise<OverviewInBrief | null> {
  const tooLate = Promise.withResolvers<null>()
  const giveUp = () => {
    log.warn({ code: 'timeout' }, 'overview not read in time, the alert goes without it')
    tooLate.resolve(null)
  }
  if (signal.aborted) return null
  const timer = clock.after(patienceMs, giveUp)
  signal.addEventListener('abort', giveUp, { once: true })
  const read = async () => {
    try {
      const { verdict, sentence } = await overview()
      return { verdict, sentence }
    } catch (error) {
      log.warn({ err: error }, 'overview not read, the alert goes without it')
      return null
    }
  }
  try {
    return await Promise.race([read(), tooLate.promise])
  } finally {
    timer.close()
    signal.removeEventListener('abort', giveUp)
  }
}
