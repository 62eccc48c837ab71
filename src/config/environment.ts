import { BlockList, isIP } from 'node:net'
import { EVENT_PATTERN } from '../events/event-pattern.ts'
import { HTTP_URL_EXPECTED, isHttpUrl } from './http-url.ts'
import { hidden, shown } from './mistake.ts'
import type { Mistake, Warning } from './mistake.ts'
import { INCOMING_KEY, OUTGOING_KEY, keyBytesOf, secretExpected, secretProblem } from './secret.ts'

/** Where a reader puts what it finds. */
export interface Findings {
  mistakes: Mistake[]
  warnings: Warning[]
}

/** Reads typed values out of the environment and collects what is wrong with them. An empty variable counts as unset. */
export class EnvironmentReader {
  readonly #environment: NodeJS.ProcessEnv
  readonly #findings: Findings

  constructor(environment: NodeJS.ProcessEnv, findings: Findings) {
    this.#environment = environment
    this.#findings = findings
  }

  text(name: string): string | undefined {
    return this.#environment[name] || undefined
  }

  mistake(where: string, expected: string, found: string): void {
    this.#findings.mistakes.push({ where, expected, found })
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

  /** Secrets that Seam's sender signs with. One that is shorter than the sender makes them today is worth a warning. */
  incomingSecrets(name: string): string[] {
    const secrets = this.list(name)
    const expected = secretExpected(INCOMING_KEY)
    if (secrets.length === 0) this.mistake(name, `a signing secret: ${expected}`, 'nothing')
    const short: string[] = []
    for (const [index, secret] of secrets.entries()) {
      const number = secrets.length === 1 ? '' : ` (number ${index + 1} of ${secrets.length})`
      const found = secretProblem(secret, INCOMING_KEY)
      if (found !== null) this.mistake(`${name}${number}`, expected, found)
      else if (keyBytesOf(secret) < OUTGOING_KEY.minBytes) short.push(`${keyBytesOf(secret)} bytes${number}`)
    }
    if (short.length > 0) {
      const advice = `a key of ${short.join(', ')} is accepted, but ${OUTGOING_KEY.minBytes} or more are harder to guess; rotate it in Seam's console`
      this.#findings.warnings.push({ where: name, advice })
    }
    return secrets
  }

  /** Keys that go into an HTTP header as they are. A mistake does not show them. */
  apiKeys(name: string): string[] {
    const keys = this.list(name)
    for (const key of keys) {
      if (!/^[\x21-\x7e]+$/.test(key))
        this.mistake(name, 'API keys without spaces, separated by commas', hidden(key))
    }
    if (new Set(keys).size < keys.length)
      this.mistake(name, 'each key once, one for each workspace', 'one of them twice')
    return keys
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

  /**
   * Fastify's `trustProxy`: a switch, or the addresses that are trusted. A number of hops is not taken: a client that
   * reaches the listener directly could forge them.
   */
  trustProxy(name: string): boolean | string[] {
    const text = this.text(name) ?? 'false'
    if (text === 'true' || text === 'false') return text === 'true'
    const addresses = this.list(name)
    if (addresses.length > 0 && addresses.every(isAddressRange)) return addresses
    this.mistake(name, 'true, false, or addresses and CIDR ranges of the proxies', shown(text))
    return false
  }
}

/** Whether a listener on this host can be reached only from this machine. */
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
