import { BlockList, isIP } from 'node:net'
import { EVENT_PATTERN } from '../events/event-pattern.ts'
import { HTTP_URL_EXPECTED, isHttpUrl } from './http-url.ts'
import { hidden, shown } from './mistake.ts'
import type { Mistake } from './mistake.ts'
import { SECRET_EXPECTED, secretProblem } from './secret.ts'

/** Reads typed values out of the environment and collects what is wrong with them. An empty variable counts as unset. */
export class EnvironmentReader {
  readonly #environment: NodeJS.ProcessEnv
  readonly #mistakes: Mistake[]

  constructor(environment: NodeJS.ProcessEnv, mistakes: Mistake[]) {
    this.#environment = environment
    this.#mistakes = mistakes
  }

  text(name: string): string | undefined {
    return this.#environment[name] || undefined
  }

  mistake(where: string, expected: string, found: string): void {
    this.#mistakes.push({ where, expected, found })
  }

  list(name: string): string[] {
    const items = (this.text(name) ?? '').split(',').map((item) => item.trim())
    return items.filter((item) => item !== '')
  }

  integer(name: string, fallback: number, minimum: number, maximum: number): number {
    const text = this.text(name)
    if (text === undefined) return fallback
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= minimum && value <= maximum) return value
    this.mistake(name, `a whole number, ${minimum} to ${maximum}`, shown(text))
    return fallback
  }

  oneOf<const T extends string>(name: string, fallback: T, allowed: readonly T[]): T {
    const text = this.text(name) ?? fallback
    const value = allowed.find((candidate) => candidate === text)
    if (value === undefined) this.mistake(name, `one of ${allowed.join(', ')}`, shown(text))
    return value ?? fallback
  }

  signingSecrets(name: string): string[] {
    const secrets = this.list(name)
    if (secrets.length === 0) this.mistake(name, `a signing secret: ${SECRET_EXPECTED}`, 'nothing')
    for (const [index, secret] of secrets.entries()) {
      const found = secretProblem(secret)
      const where = secrets.length === 1 ? name : `${name} (number ${index + 1} of ${secrets.length})`
      if (found !== null) this.mistake(where, SECRET_EXPECTED, found)
    }
    return secrets
  }

  eventPatterns(name: string, fallback: string): string[] {
    const patterns = this.list(name)
    for (const pattern of patterns) {
      if (!new RegExp(EVENT_PATTERN).test(pattern)) {
        this.mistake(
          name,
          'event types, each like acs_credential.issued, acs_credential.* or *',
          shown(pattern),
        )
      }
    }
    return patterns.length === 0 ? [fallback] : patterns
  }

  httpUrl(name: string): string | undefined {
    const text = this.text(name)
    if (text === undefined || isHttpUrl(text)) return text
    this.mistake(name, HTTP_URL_EXPECTED, hidden(text))
    return undefined
  }

  /** Fastify's `trustProxy`: a switch, or the addresses that are trusted. It takes no number of hops: whoever reaches the listener directly could forge those. */
  trustProxy(name: string): boolean | string[] {
    const text = this.text(name) ?? 'false'
    if (text === 'true' || text === 'false') return text === 'true'
    const addresses = this.list(name)
    if (addresses.length > 0 && addresses.every(isAddressRange)) return addresses
    this.mistake(name, 'true, false, or addresses and CIDR ranges of the proxies', shown(text))
    return false
  }
}

/** Whether a listener on this host can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const family = isIP(host)
  if (family === 0) return false
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

function isAddressRange(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true
  const [address = '', bits, rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest !== undefined) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}
