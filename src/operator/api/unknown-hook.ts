import type { Hook } from '../../config/hook.ts'
import type { Listings } from '../../store/listings.ts'
import { RequestRefused } from '../request-refused.ts'

export interface HooksToKnow {
  hooks: () => readonly Hook[]
  reader: Pick<Listings, 'listDeliveries'>
}

/**
 * Refuses a name that is neither configured nor has deliveries: an answer of 0 to a mistyped one would look as if all were well.
 * @throws {RequestRefused} `not_found`
 */
export async function requireKnownHook(name: string, known: HooksToKnow): Promise<void> {
  if (!(await isKnown(name, known))) throw unknownHook(name, known.hooks())
}

export function unknownHook(name: string, hooks: readonly Hook[]): RequestRefused {
  const names = hooks.map((hook) => hook.name).join(', ')
  const others = names === '' ? 'No hook is configured.' : `Configured are: ${names}.`
  return new RequestRefused(
    'not_found',
    `No hook is configured by the name "${name}", and no delivery to one is found. ${others} Nothing was done.`,
  )
}

/**
 * A removed hook is known as long as something of it is kept. What waits and what is dead is found by index. What is delivered is
 * found if it is among the newest some thousand deliveries: no index is by hook alone.
 */
export async function isKnown(name: string, { hooks, reader }: HooksToKnow): Promise<boolean> {
  if (hooks().some((hook) => hook.name === name)) return true
  for (const state of ['dead', 'pending', 'leased'] as const) {
    const { items, next } = await reader.listDeliveries({ hook: name, state, limit: 1 })
    // Where so much of it is undelivered that a page does not look at it all, the page has a next one.
    if (items.length > 0 || next !== null) return true
  }
  return (await reader.listDeliveries({ hook: name, limit: 1 })).items.length > 0
}
