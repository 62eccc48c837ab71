import type { CredentialEvent } from '../../../src/events/event.ts'
import type { RelayProcess } from '../../support/relay-process.ts'

/**
 * Posts the events as Seam does, eight at a time, to each relay in turn.
 * @param acknowledged gets the ids of those that were answered 2xx
 * @returns those that were not
 */
export async function post(
  events: readonly CredentialEvent[],
  relays: readonly RelayProcess[],
  acknowledged: Set<string>,
): Promise<CredentialEvent[]> {
  const waiting = events.map((event, index) => ({ event, relay: relays[index % relays.length] }))
  const refused: CredentialEvent[] = []
  async function postNext(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { event, relay } = next
      const answer = await relay?.send(event).catch(() => null)
      if (answer?.status === 202 || answer?.status === 200) acknowledged.add(event.event_id)
      else refused.push(event)
    }
  }
  await Promise.all(Array.from({ length: 8 }, postNext))
  return refused
}
