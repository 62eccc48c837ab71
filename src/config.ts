import { EnvironmentReader, isLoopback } from './config/environment.ts'
import type { Findings } from './config/environment.ts'
import type { Hook } from './config/hook.ts'
import { readHooks } from './config/hooks.ts'
import type { HooksSource } from './config/hooks-source.ts'
import { ConfigError, hidden } from './config/mistake.ts'
import type { Mistake, Warning } from './config/mistake.ts'
import { STORE_EXPECTED, storeLocation } from './config/store-location.ts'
import type { StoreLocation } from './config/store-location.ts'

/** Every setting, checked, with its default. Made from the environment that `main.ts` reads. */
export interface Config {
  seamWebhookSecrets: string[]
  hooks: Hook[]
  store: StoreLocation
  publicListener: Listener
  operatorListener: Listener & {
    token: string | undefined
    /** A second token, which sees everything and changes nothing. */
    readToken: string | undefined
  }
  acceptEventTypes: string[]
  maxBodyBytes: number
  rateLimitPerMinute: number
  forgeryLimitPerMinute: number
  trustProxy: boolean | string[]
  /** How long events and their deliveries are kept, and how long a resend is recognised as a duplicate. */
  payloadRetentionDays: number
  dedupRetentionDays: number
  shutdownTimeoutMs: number
  logLevel: LogLevel
  reconciliation: Reconciliation
  /** Where dead letters and opened breakers are announced. May hold a secret. */
  alertUrl: string | undefined
  /** Settings that work and should be changed. `main.ts` logs them: no logger exists before there is a config. */
  warnings: readonly Warning[]
}

/** How events are found whose webhooks never came. */
export interface Reconciliation {
  /** One for each workspace. Without any, nothing is asked. */
  apiKeys: string[]
  /** The origin of Seam's API, without a slash at its end. */
  apiUrl: string
  intervalMs: number
  /** How far back a workspace is looked at for the first time. */
  lookbackMs: number
  /** How old an event must be before its absence counts as missed. */
  settleMs: number
}

export interface Listener {
  host: string
  /** 0 takes any free port. The log line "listening" names the one that was taken. */
  port: number
}

export type LogLevel = (typeof LOG_LEVELS)[number]
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/**
 * Reads the configuration from environment variables and the hooks file they name.
 * @throws {ConfigError} listing every mistake, never a secret
 */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const { mistakes, warnings }: Findings = { mistakes: [], warnings: [] }
  const read = new EnvironmentReader(environment, { mistakes, warnings })
  const config: Config = {
    seamWebhookSecrets: read.incomingSecrets('SEAM_WEBHOOK_SECRET'),
    hooks: readConfiguredHooks(read, environment, mistakes),
    store: readStore(read),
    publicListener: { host: read.text('HOST') ?? '0.0.0.0', port: read.integer('PORT', 3000, 0, 65_535) },
    operatorListener: readOperatorListener(read),
    acceptEventTypes: read.eventPatterns('ACCEPT_EVENT_TYPES', 'acs_credential.*'),
    maxBodyBytes: read.integer('BODY_LIMIT_BYTES', 262_144, 1024, 16_777_216),
    rateLimitPerMinute: read.integer('RATE_LIMIT_PER_MINUTE', 60_000, 1, 1_000_000_000),
    forgeryLimitPerMinute: read.integer('FORGERY_LIMIT_PER_MINUTE', 60, 1, 1_000_000_000),
    trustProxy: read.trustProxy('TRUST_PROXY'),
    payloadRetentionDays: read.integer('PAYLOAD_RETENTION_DAYS', 90, 1, 36_500),
    dedupRetentionDays: read.integer('DEDUP_RETENTION_DAYS', 400, 2, 36_500),
    shutdownTimeoutMs: read.integer('SHUTDOWN_TIMEOUT_MS', 10_000, 100, 600_000),
    logLevel: read.oneOf('LOG_LEVEL', 'info', LOG_LEVELS),
    reconciliation: readReconciliation(read),
    alertUrl: read.httpUrl('ALERT_URL'),
    warnings,
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return config
}

function readConfiguredHooks(
  read: EnvironmentReader,
  environment: NodeJS.ProcessEnv,
  mistakes: Mistake[],
): Hook[] {
  const source = hooksSource(read)
  return source === null ? [] : readHooks(source, environment, mistakes)
}

function hooksSource(read: EnvironmentReader): HooksSource | null {
  const inline = read.text('HOOKS')
  const file = read.text('HOOKS_FILE')
  if (inline !== undefined && file === undefined) return { inline }
  if (inline === undefined && file !== undefined) return { file }
  read.mistake('HOOKS, HOOKS_FILE', 'one of them', inline === undefined ? 'neither' : 'both')
  return null
}

function readStore(read: EnvironmentReader): StoreLocation {
  const url = read.text('DATABASE_URL') ?? 'sqlite:./data/seam-relay.db'
  const location = storeLocation(url)
  if (location === null) read.mistake('DATABASE_URL', STORE_EXPECTED, hidden(url))
  return location ?? { kind: 'sqlite', path: '' }
}

function readOperatorListener(read: EnvironmentReader): Config['operatorListener'] {
  const host = read.text('OPERATOR_HOST') ?? '127.0.0.1'
  const token = read.text('OPERATOR_TOKEN')
  if (token === undefined && !isLoopback(host)) {
    read.mistake('OPERATOR_TOKEN', 'a token, because OPERATOR_HOST is not loopback', 'nothing')
  }
  const readToken = read.text('OPERATOR_READ_TOKEN')
  if (readToken !== undefined && token === undefined) {
    read.mistake('OPERATOR_TOKEN', 'a token, because OPERATOR_READ_TOKEN is set', 'nothing')
  }
  if (readToken !== undefined && readToken === token) {
    read.mistake('OPERATOR_READ_TOKEN', 'another token than OPERATOR_TOKEN', 'the same')
  }
  return { host, port: read.integer('OPERATOR_PORT', 3001, 0, 65_535), token, readToken }
}

function readReconciliation(read: EnvironmentReader): Reconciliation {
  return {
    apiKeys: read.apiKeys('SEAM_API_KEY'),
    apiUrl: (read.httpUrl('SEAM_API_URL') ?? 'https://connect.getseam.com').replace(/\/+$/, ''),
    intervalMs: read.integer('RECONCILE_INTERVAL_S', 300, 1, 86_400) * 1000,
    lookbackMs: read.integer('RECONCILE_LOOKBACK_HOURS', 48, 0, 8760) * 3_600_000,
    settleMs: read.integer('RECONCILE_SETTLE_S', 120, 0, 86_400) * 1000,
  }
}
