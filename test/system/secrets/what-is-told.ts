/** Where a secret was seen that must not be there. */
export interface Leak {
  secret: string
  where: string
  text: string
}

/** So much around a secret is shown, to find the place. */
const AROUND = 60

/** Everything that a relay tells: to whom, and the text. */
export class WhatIsTold {
  readonly #texts: { where: string; text: string }[] = []

  note(where: string, text: string): void {
    this.#texts.push({ where, text })
  }

  /** The answer with its headers, which are part of what is told. */
  async noteAnswer(where: string, answer: Response): Promise<{ status: number; text: string }> {
    const text = await answer.text()
    this.note(where, JSON.stringify([...answer.headers]))
    this.note(where, text)
    return { status: answer.status, text }
  }

  /** How many texts came from there. */
  count(where: string): number {
    return this.#texts.filter((one) => one.where === where).length
  }

  /** @param secrets each by a name that may be shown */
  leaksOf(secrets: Readonly<Record<string, string>>): Leak[] {
    return Object.entries(secrets).flatMap(([secret, value]) =>
      formsOf(value).flatMap((form) =>
        this.#texts
          .map(({ where, text }) => ({ where, text, at: text.indexOf(form) }))
          .filter(({ at }) => at >= 0)
          .map(({ where, text, at }) => ({
            secret,
            where,
            text: text.slice(Math.max(0, at - AROUND), at + form.length + AROUND),
          })),
      ),
    )
  }
}

/** How a secret may look after it has been through a log, a URL or a header. */
export function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const core = secret.replace(/^(whsec_|Bearer )/, '')
  const forms = [
    core,
    JSON.stringify(core).slice(1, -1),
    encodeURIComponent(core),
    bytes.toString('hex'),
    // Without the end, which depends on what follows.
    bytes.toString('base64').slice(0, -4),
    bytes.toString('base64url').slice(0, -4),
  ]
  return [...new Set(forms)]
}
