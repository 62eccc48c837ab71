/** What a person should hear of, by hook. */
export interface Troubles {
  deadLetters: Map<string, { count: number; webhookIds: string[] }>
  breakersOpened: Set<string>
}

/** The JSON that is posted. Slack shows `text`; the other fields are for programs. */
export interface AlertMessage {
  text: string
  dead_letters: { hook: string; count: number; webhook_ids: string[] }[]
  breakers_opened: string[]
  at: string
}

/** `text` names this many hooks; `dead_letters` and `breakers_opened` name all of them. */
const HOOKS_IN_TEXT = 10

/**
 * Writes the message: hook names, counts, ids and what to do. It never holds a payload, a secret or a URL.
 * @param atMs wall clock, milliseconds since 1970
 */
export function alertMessage({ deadLetters, breakersOpened }: Troubles, atMs: number): AlertMessage {
  const parts: string[] = []
  if (deadLetters.size > 0) parts.push(deadLettersText(deadLetters))
  if (breakersOpened.size > 0) parts.push(breakersText([...breakersOpened]))
  return {
    text: `seam-relay: ${parts.join(' ')}`,
    dead_letters: [...deadLetters].map(([hook, { count, webhookIds }]) => ({
      hook,
      count,
      webhook_ids: webhookIds,
    })),
    breakers_opened: [...breakersOpened],
    at: new Date(atMs).toISOString(),
  }
}

function deadLettersText(deadLetters: Troubles['deadLetters']): string {
  const hooks = [...deadLetters].map(([hook, { count }], index) => {
    if (index > 0) return `${count} to ${hook}`
    return count === 1 ? `1 delivery to ${hook}` : `${count} deliveries to ${hook}`
  })
  const single = deadLetters.size === 1 && deadLetters.values().next().value?.count === 1
  const became = single ? 'became a dead letter' : 'became dead letters'
  return `${listed(hooks)} ${became}; nothing is lost. Look for the reason in the log, mend the hook, then replay them.`
}

function breakersText(hooks: readonly string[]): string {
  const what = hooks.length === 1 ? 'the breaker' : 'the breakers'
  const them = hooks.length === 1 ? 'its receiver' : 'their receivers'
  return `${what} of ${listed(hooks)} opened: check that ${them} can be reached. Deliveries wait and go on by themselves.`
}

function listed(items: readonly string[]): string {
  const named = items.slice(0, HOOKS_IN_TEXT)
  const others = items.length - named.length
  if (others > 0) named.push(others === 1 ? '1 other hook' : `${others} other hooks`)
  const last = named.at(-1) ?? ''
  return named.length < 2 ? last : `${named.slice(0, -1).join(', ')} and ${last}`
}
