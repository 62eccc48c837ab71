import { renameSync, writeFileSync } from 'node:fs'
import { Chance } from './chance.ts'
import { REVOCATIONS } from './messages.ts'

/**
 * - `plain`: everything, several at a time
 * - `ordered`: one at a time for each credential, in order
 * - `coming`: is removed and named again
 * - `strict`: gives a delivery up at its first failure
 * - `picky`: revocations alone, at a limited rate
 */
export const HOOK_NAMES = ['plain', 'ordered', 'coming', 'strict', 'picky'] as const
export type HookName = (typeof HOOK_NAMES)[number]

/** `mistake`: a file that is refused, so the hooks stay as they were. */
export type HookChange = 'remove-or-name-again' | 'settings' | 'url' | 'mistake'

/** A receiver may take so long before an attempt is given up. */
export const ATTEMPT_TIMEOUT_MS = 4000
/** The variable that tells each process its own name, which its deliveries carry in {@link PROCESS_HEADER}. */
export const PROCESS_VARIABLE = 'TORTURE_PROCESS'
export const PROCESS_HEADER = 'torture-process'
/** The variable with the secret that signs deliveries. */
export const SECRET_VARIABLE = 'TORTURE_SECRET'

const RETRY = { initialDelayMs: 100, maxDelayMs: 1500 }

/** Which hooks a file names. A file that is written anew has a new one of these. */
export interface Hooks {
  has(name: HookName): boolean
}

/** Whether a hook wants events of this type. */
export function wants(name: HookName, eventType: string): boolean {
  return name !== 'picky' || REVOCATIONS.includes(eventType)
}

/** The hooks file of all replicas, and how it changes. */
export class HooksFile {
  readonly path: string
  readonly #urlOf: (name: HookName) => string
  readonly #chance: Chance
  #names: ReadonlySet<HookName> = new Set(HOOK_NAMES)
  #concurrency = 8
  #version = 1
  /** What a process knows that has read the file as it stands. Another object after each change. */
  hooks: Hooks = this.#names

  constructor(path: string, urlOf: (name: HookName) => string, seed: number) {
    this.path = path
    this.#urlOf = urlOf
    this.#chance = new Chance(seed, 'hooks')
    this.#write()
  }

  /** @returns whether the file is one that can be taken over */
  change(change: HookChange): boolean {
    switch (change) {
      case 'remove-or-name-again':
        this.#names = new Set(HOOK_NAMES.filter((name) => name !== 'coming' || !this.#names.has(name)))
        break
      case 'settings':
        this.#concurrency = this.#chance.whole(2, 16)
        break
      case 'url':
        this.#version++
        break
      case 'mistake':
        this.#put('hooks: [{ name: plain, url: nowhere }]\n')
        return false
    }
    this.#write()
    return true
  }

  /** As it was before a mistake. */
  repair(): void {
    this.#put(this.#text())
  }

  /** Names every hook, so that whatever waits can go out. */
  nameAll(): void {
    this.#names = new Set(HOOK_NAMES)
    this.#write()
  }

  #write(): void {
    this.hooks = new Set(this.#names)
    this.#put(this.#text())
  }

  #text(): string {
    const settings = {
      secrets: [`\${${SECRET_VARIABLE}}`],
      headers: { [PROCESS_HEADER]: `\${${PROCESS_VARIABLE}}` },
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      concurrency: this.#concurrency,
      retry: RETRY,
      breaker: { failures: 5, cooldownMs: 700 },
    }
    const own: Record<HookName, object> = {
      plain: {},
      ordered: { ordering: 'credential' },
      coming: {},
      strict: { retry: { ...RETRY, giveUpAfterMs: 0 } },
      // More than come on average, or what waits would grow as long as the run lasts; fewer than come after an outage.
      picky: { events: REVOCATIONS, maxPerSecond: 60 },
    }
    const hooks = [...this.#names].map((name) => ({
      name,
      url: `${this.#urlOf(name)}/${this.#version}`,
      ...settings,
      ...own[name],
    }))
    return JSON.stringify({ hooks })
  }

  /** At once or not at all: a process that starts just now must not read half of it. */
  #put(text: string): void {
    writeFileSync(`${this.path}.new`, text)
    renameSync(`${this.path}.new`, this.path)
  }
}
