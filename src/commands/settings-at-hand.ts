import { EnvironmentReader } from '../config/environment.ts'
import type { Findings } from '../config/environment.ts'
import { ConfigError } from '../config/mistake.ts'
import { usedWrongly } from './command-error.ts'

/** Where a listener can be asked. */
export interface ListenerAddress {
  host: string
  port: number
}

/**
 * Reads single settings. A command that asks a relay elsewhere needs an address and a token, and not a whole
 * configuration, so it reads only what it needs.
 * @throws {ConfigError} with the mistakes in what was read
 */
export function readSettings<T>(environment: NodeJS.ProcessEnv, read: (reader: EnvironmentReader) => T): T {
  const findings: Findings = { mistakes: [], warnings: [] }
  const settings = read(new EnvironmentReader(environment, findings))
  if (findings.mistakes.length > 0) throw new ConfigError(findings.mistakes)
  return settings
}

/**
 * The URL of a listener of this machine. One that listens on every address is asked on loopback.
 * @throws {CommandError} if the port is chosen only at the start; `option` is the one that names the URL instead
 */
export function urlOf({ host, port }: ListenerAddress, option: '--to' | '--url'): string {
  if (port === 0) {
    throw usedWrongly(
      'the settings leave the port to chance (0), so it cannot be known here',
      `Name the address with ${option}: the log line "listening" of seam-relay has it.`,
    )
  }
  const everywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' }
  const asked = everywhere[host] ?? host
  return `http://${asked.includes(':') ? `[${asked}]` : asked}:${port}`
}

/** @throws {CommandError} if it is no HTTP URL */
export function httpUrl(text: string, option: string): URL {
  const url = URL.parse(text)
  if (url !== null && /^https?:$/.test(url.protocol)) return url
  throw usedWrongly(`${option} takes an http: or https: URL, and got ${JSON.stringify(text.slice(0, 80))}`)
}
