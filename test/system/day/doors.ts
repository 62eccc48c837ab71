import { Chance } from '../../torture/chance.ts'
import { credentialEvent } from '../../support/credential-event.ts'
import type { CredentialEvent } from '../../../src/events/event.ts'

/** What happens to the credential of each door in a day, in this order. */
const LIFE = ['issued', 'reissued', 'reissued', 'invalidated', 'deleted'] as const
/** So many events of all come in each hour: few at night, most when people come and go. */
const SHARES = [2, 1, 1, 1, 1, 2, 4, 9, 9, 6, 4, 4, 5, 6, 5, 4, 5, 8, 8, 5, 4, 3, 2, 1]
const DAY_START = Date.parse('2026-03-01T00:00:00Z')
const HOUR_MS = 3_600_000

/** The events of a day in the order in which they occur, by hour, and those of each credential too. */
export interface Day {
  hours: CredentialEvent[][]
  ofCredential: Map<string, string[]>
}

/** Each door has one credential, with five events at random hours. The same seed makes the same day, but for the ids. */
export function dayOf(doors: number, seed: number): Day {
  const chance = new Chance(seed, 'doors')
  const hours: CredentialEvent[][] = SHARES.map(() => [])
  const ofCredential = new Map<string, string[]>()
  const weights = Object.fromEntries(SHARES.map((share, hour) => [hour, share]))
  for (let door = 0; door < doors; door++) {
    const { acs_credential_id: credential } = credentialEvent()
    const times = LIFE.map(() => (Number(chance.weighted(weights)) + chance.next()) * HOUR_MS)
    const ids = times
      .toSorted((a, b) => a - b)
      .map((time, index) => {
        const occurred = new Date(DAY_START + time).toISOString()
        const event = credentialEvent({
          event_type: `acs_credential.${LIFE[index] ?? 'deleted'}` as CredentialEvent['event_type'],
          acs_credential_id: credential,
          occurred_at: occurred,
          created_at: occurred,
        })
        hours[Math.floor(time / HOUR_MS)]?.push(event)
        return event.event_id
      })
    ofCredential.set(credential as string, ids)
  }
  return {
    hours: hours.map((events) => events.toSorted((a, b) => (a.occurred_at < b.occurred_at ? -1 : 1))),
    ofCredential,
  }
}
