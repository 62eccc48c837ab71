import type { Hook } from '../config/hook.ts'

const HIDDEN = '****'
/** A shorter value could stand in an answer by chance, and is no secret to speak of. */
const SHORTEST_VALUE = 8
/** A part of a path as long as this is likely to be a token, and not a word that helps to understand an answer. */
const SHORTEST_PATH_TOKEN = 16
/** The beginning of a secret, where the kept part of an answer is cut off in the middle of it. */
const SHORTEST_BEGINNING = 4

/**
 * Hides in a receiver's answer what seam-relay sent it in confidence: a receiver that repeats the request it got, as debugging
 * ones do, would otherwise have the hook's headers and tokens stored, and shown to everybody who looks at the attempt.
 * @returns gives the same bytes with `****` in place of each
 */
export function createHiding(hook: Pick<Hook, 'headers' | 'secrets' | 'url'>): (answer: Buffer) => Buffer {
  const secrets = secretsOf(hook)
  return (answer) => {
    // Latin-1 has a character for each byte, so all other bytes stay as they are.
    let text = answer.toString('latin1')
    for (const secret of secrets) text = text.replaceAll(secret, HIDDEN)
    const beginning = beginningAtEnd(text, secrets)
    return Buffer.from(beginning === 0 ? text : text.slice(0, -beginning) + HIDDEN, 'latin1')
  }
}

/** The longest first, so that nothing is left of one that holds another. */
function secretsOf({ headers, secrets, url }: Pick<Hook, 'headers' | 'secrets' | 'url'>): string[] {
  const { pathname, searchParams } = new URL(url)
  const values = [
    // `Bearer TOKEN`, and the token alone.
    ...Object.values(headers).flatMap((value) => [value, value.replace(/^[a-z]+ +/i, '')]),
    ...secrets.flatMap((secret) => [secret, secret.replace(/^whsec_/, '')]),
    ...searchParams.values(),
  ].filter(({ length }) => length >= SHORTEST_VALUE)
  const tokens = pathname.split('/').filter(({ length }) => length >= SHORTEST_PATH_TOKEN)
  const forms = [...values, ...tokens].flatMap((one) => [
    one,
    JSON.stringify(one).slice(1, -1),
    encodeURIComponent(one),
  ])
  const latin1 = forms.map((one) => Buffer.from(one).toString('latin1'))
  return [...new Set(latin1)].toSorted((a, b) => b.length - a.length)
}

/** How many characters at the end are the beginning of a secret. */
function beginningAtEnd(text: string, secrets: readonly string[]): number {
  let longest = 0
  for (const secret of secrets) {
    for (let length = Math.min(secret.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(secret.slice(0, length))) longest = length
    }
  }
  return longest < SHORTEST_BEGINNING ? 0 : longest
}
