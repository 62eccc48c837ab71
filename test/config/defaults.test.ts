import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { SECRET, minimal, mistakesOf, readHook } from './reading.ts'

test('every setting but the required ones has a default', () => {
  expect(readConfig(minimal)).toEqual({
    seamWebhookSecrets: [SECRET],
    hooks: [],
    store: { kind: 'sqlite', path: './data/seam-relay.db' },
    publicListener: { host: '0.0.0.0', port: 3000 },
    operatorListener: { host: '127.0.0.1', port: 3001, token: undefined, readToken: undefined },
    acceptEventTypes: ['acs_credential.*'],
    maxBodyBytes: 262_144,
    rateLimitPerMinute: 60_000,
    forgeryLimitPerMinute: 60,
    trustProxy: false,
    payloadRetentionDays: 90,
    dedupRetentionDays: 400,
    shutdownTimeoutMs: 10_000,
    logLevel: 'info',
    reconciliation: {
      apiKeys: [],
      apiUrl: 'https://connect.getseam.com',
      intervalMs: 300_000,
      lookbackMs: 172_800_000,
      settleMs: 120_000,
    },
    alertUrl: undefined,
    warnings: [],
  })
})

test('a hook needs a name and a URL, and everything else has a default', () => {
  expect(readHook({ name: 'one', url: 'https://example.com/seam' })).toEqual({
    name: 'one',
    url: 'https://example.com/seam',
    events: ['*'],
    secrets: [],
    headers: {},
    timeoutMs: 15_000,
    concurrency: 16,
    maxPerSecond: 0,
    ordering: 'none',
    retry: { initialDelayMs: 1000, maxDelayMs: 3_600_000, giveUpAfterMs: 259_200_000 },
    breaker: { failures: 10, cooldownMs: 30_000 },
  })
})

test('an empty variable counts as one that is not set', () => {
  const names = ['HOST', 'PORT', 'OPERATOR_TOKEN', 'HOOKS_FILE', 'ACCEPT_EVENT_TYPES', 'TRUST_PROXY']
  const emptied = Object.fromEntries(names.map((name) => [name, '']))
  expect(readConfig({ ...minimal, ...emptied })).toEqual(readConfig(minimal))
  expect(mistakesOf({ ...minimal, SEAM_WEBHOOK_SECRET: '' })).toMatchObject([
    { where: 'SEAM_WEBHOOK_SECRET', found: 'nothing' },
  ])
})

test('every variable sets what it is for', () => {
  const config = readConfig({
    ...minimal,
    DATABASE_URL: 'sqlite:///var/lib/relay.db',
    HOST: '127.0.0.1',
    PORT: '0',
    OPERATOR_HOST: '0.0.0.0',
    OPERATOR_PORT: '65535',
    OPERATOR_TOKEN: 'a token',
    OPERATOR_READ_TOKEN: 'another',
    SEAM_API_KEY: 'seam_one, seam_two',
    SEAM_API_URL: 'http://127.0.0.1:9/',
    RECONCILE_INTERVAL_S: '60',
    RECONCILE_LOOKBACK_HOURS: '24',
    RECONCILE_SETTLE_S: '30',
    ACCEPT_EVENT_TYPES: 'acs_credential.issued, device.*',
    BODY_LIMIT_BYTES: '1024',
    RATE_LIMIT_PER_MINUTE: '10',
    FORGERY_LIMIT_PER_MINUTE: '5',
    TRUST_PROXY: 'true',
    PAYLOAD_RETENTION_DAYS: '30',
    DEDUP_RETENTION_DAYS: '60',
    SHUTDOWN_TIMEOUT_MS: '500',
    LOG_LEVEL: 'debug',
    ALERT_URL: 'https://hooks.example.com/services/T0/B0/x',
  })
  expect(config).toEqual({
    seamWebhookSecrets: [SECRET],
    hooks: [],
    store: { kind: 'sqlite', path: '/var/lib/relay.db' },
    publicListener: { host: '127.0.0.1', port: 0 },
    operatorListener: { host: '0.0.0.0', port: 65_535, token: 'a token', readToken: 'another' },
    acceptEventTypes: ['acs_credential.issued', 'device.*'],
    maxBodyBytes: 1024,
    rateLimitPerMinute: 10,
    forgeryLimitPerMinute: 5,
    trustProxy: true,
    payloadRetentionDays: 30,
    dedupRetentionDays: 60,
    shutdownTimeoutMs: 500,
    logLevel: 'debug',
    reconciliation: {
      apiKeys: ['seam_one', 'seam_two'],
      apiUrl: 'http://127.0.0.1:9',
      intervalMs: 60_000,
      lookbackMs: 86_400_000,
      settleMs: 30_000,
    },
    alertUrl: 'https://hooks.example.com/services/T0/B0/x',
    warnings: [],
  })
})
