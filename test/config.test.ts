import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { ConfigError } from '../src/config/mistake.ts'
import type { Mistake } from '../src/config/mistake.ts'
import { scratchFolder } from './support/scratch.ts'

type Environment = Record<string, string>

const SECRET = signingSecret(24)
const minimal: Environment = { SEAM_WEBHOOK_SECRET: SECRET, HOOKS: '[]' }

describe('without more than what is required', () => {
  test('everything has its default', () => {
    expect(readConfig(minimal)).toEqual({
      seamWebhookSecrets: [SECRET],
      hooks: [],
      store: { kind: 'sqlite', path: './data/seam-relay.db' },
      publicListener: { host: '0.0.0.0', port: 3000 },
      operatorListener: { host: '127.0.0.1', port: 3001, token: undefined },
      acceptEventTypes: ['acs_credential.*'],
      maxBodyBytes: 262_144,
      rateLimitPerMinute: 60_000,
      forgeryLimitPerMinute: 60,
      trustProxy: false,
      payloadRetentionDays: 90,
      dedupRetentionDays: 400,
      shutdownTimeoutMs: 10_000,
      logLevel: 'info',
      alertUrl: undefined,
    })
  })

  test('a hook has its defaults', () => {
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

  test('an empty variable counts as unset', () => {
    const names = ['HOST', 'PORT', 'OPERATOR_TOKEN', 'HOOKS_FILE', 'ACCEPT_EVENT_TYPES', 'TRUST_PROXY']
    const emptied = Object.fromEntries(names.map((name) => [name, '']))
    expect(readConfig({ ...minimal, ...emptied })).toEqual(readConfig(minimal))
    expect(mistakesOf({ ...minimal, SEAM_WEBHOOK_SECRET: '' })).toMatchObject([
      { where: 'SEAM_WEBHOOK_SECRET', found: 'nothing' },
    ])
  })
})

describe('every variable', () => {
  test('is taken over', () => {
    const config = readConfig({
      ...minimal,
      DATABASE_URL: 'sqlite:///var/lib/relay.db',
      HOST: '127.0.0.1',
      PORT: '0',
      OPERATOR_HOST: '0.0.0.0',
      OPERATOR_PORT: '65535',
      OPERATOR_TOKEN: 'a token',
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
      operatorListener: { host: '0.0.0.0', port: 65_535, token: 'a token' },
      acceptEventTypes: ['acs_credential.issued', 'device.*'],
      maxBodyBytes: 1024,
      rateLimitPerMinute: 10,
      forgeryLimitPerMinute: 5,
      trustProxy: true,
      payloadRetentionDays: 30,
      dedupRetentionDays: 60,
      shutdownTimeoutMs: 500,
      logLevel: 'debug',
      alertUrl: 'https://hooks.example.com/services/T0/B0/x',
    })
  })

  test.each([
    ['PORT', '65536', 'a whole number, 0 to 65535'],
    ['PORT', '-1', 'a whole number, 0 to 65535'],
    ['PORT', '3e3', 'a whole number, 0 to 65535'],
    ['OPERATOR_PORT', '3000.5', 'a whole number, 0 to 65535'],
    ['BODY_LIMIT_BYTES', '1023', 'a whole number, 1024 to 16777216'],
    ['RATE_LIMIT_PER_MINUTE', '0', 'a whole number, 1 to 1000000000'],
    ['SHUTDOWN_TIMEOUT_MS', '10s', 'a whole number, 100 to 600000'],
    ['LOG_LEVEL', 'loud', 'one of fatal, error, warn, info, debug, trace, silent'],
  ])('that is wrong is named with what was expected and found: %s=%s', (where, text, expected) => {
    expect(mistakesOf({ ...minimal, [where]: text })).toEqual([{ where, expected, found: `"${text}"` }])
  })

  test.each(['Acs_credential.issued', 'acs_credential*', '*.issued', 'acs_credential.'])(
    'that lists event types is refused if it has %s',
    (pattern) => {
      expect(mistakesOf({ ...minimal, ACCEPT_EVENT_TYPES: `device.*,${pattern}` })).toMatchObject([
        { where: 'ACCEPT_EVENT_TYPES', found: `"${pattern}"` },
      ])
    },
  )
})

describe('the address of the store', () => {
  test.each([
    'postgres://user:password@db.example.com:5432/relay',
    'postgresql://user@db.example.com/relay',
    'postgres://user:p%40ss%2Fword%23@[::1]:5433/relay?sslmode=verify-full&sslrootcert=/etc/ca.pem',
    'postgres://db/relay?application_name=a%20b&sslmode=no-verify',
    'postgres://user@%2Fvar%2Frun%2Fpostgresql/relay',
  ])('is a database, taken as it stands: %s', (url) => {
    expect(readConfig({ ...minimal, DATABASE_URL: url }).store).toEqual({ kind: 'postgres', url })
  })

  test.each([
    ['sqlite:relay.db', 'relay.db'],
    ['sqlite:./data/postgres:relay.db', './data/postgres:relay.db'],
    ['sqlite:/var/lib/relay.db', '/var/lib/relay.db'],
    ['sqlite:///var/lib/relay.db', '/var/lib/relay.db'],
  ])('is a file: %s', (url, path) => {
    expect(readConfig({ ...minimal, DATABASE_URL: url }).store).toEqual({ kind: 'sqlite', path })
  })

  test.each([
    ['names no database', 'postgres://user:hunter2@db:5432'],
    ['names no database but a slash', 'postgres://user:hunter2@db:5432/'],
    ['names no database but parameters', 'postgresql://user:hunter2@db?sslmode=verify-full'],
    ['has a port that is none', 'postgres://user:hunter2@db:port/relay'],
    ['has a port that is too high', 'postgres://user:hunter2@db:65536/relay'],
    ['has a host with a space', 'postgres://user:hunter2@d b/relay'],
    ['has a password with a # that is not encoded', 'postgres://user:hunter2#4@db/relay'],
    ['has a password with an @ and a / that are not encoded', 'postgres://user:hunter2@pass/word@db/relay'],
    ['has no slashes', 'postgres:user:hunter2@db/relay'],
    ['begins with another word', 'mysql://user:hunter2@db/relay'],
    ['begins with the words of the database itself', 'host=db user=user password=hunter2'],
    ['names no file', 'sqlite:'],
    ['is a path', '/var/lib/hunter2.db'],
  ])('that %s is refused and not shown', (_what, url) => {
    const error = errorOf({ ...minimal, DATABASE_URL: url })
    expect(error.mistakes).toEqual([
      {
        where: 'DATABASE_URL',
        expected: 'sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE',
        found: `a string of ${url.length} characters (not shown)`,
      },
    ])
    expect(piecesTold(error.message, 'hunter2')).toEqual([])
  })
})

describe('mistakes', () => {
  test('are all listed in one message, each with its place, what was expected and what was found', () => {
    const environment = {
      SEAM_WEBHOOK_SECRET: 'oops',
      HOOKS: JSON.stringify([
        { name: 'Not This', url: 'ftp://example.com' },
        { url: 'http://example.com', timeoutMs: 'soon', retry: { maxDelayMs: 5 } },
      ]),
      PORT: 'x',
      LOG_LEVEL: 'loud',
      OPERATOR_HOST: '0.0.0.0',
    }
    const error = errorOf(environment)
    expect(error.code).toBe('config_invalid')
    const places = error.mistakes.map(({ where }) => where)
    expect(places.toSorted()).toEqual(
      [
        'SEAM_WEBHOOK_SECRET',
        'HOOKS[0].name',
        'HOOKS[0].url',
        'HOOKS[1].name',
        'HOOKS[1].timeoutMs',
        'HOOKS[1].retry.maxDelayMs',
        'PORT',
        'LOG_LEVEL',
        'OPERATOR_TOKEN',
      ].toSorted(),
    )
    const [title, ...lines] = error.message.split('\n')
    expect(title).toBe(`the configuration has ${error.mistakes.length} mistakes:`)
    expect(lines).toEqual(
      error.mistakes.map(({ where, expected, found }) => `  ${where}: expected ${expected}, found ${found}`),
    )
  })

  test('that are one only are told as one', () => {
    expect(errorOf({ ...minimal, PORT: 'x' }).message).toBe(
      'the configuration has a mistake:\n  PORT: expected a whole number, 0 to 65535, found "x"',
    )
  })

  test('show no more than the beginning of a long value', () => {
    const [mistake] = mistakesOf({ ...minimal, LOG_LEVEL: 'x'.repeat(1000) })
    expect(mistake?.found).toMatch(/^"x{70,80}…$/)
  })
})

describe('a signing secret', () => {
  test.each([24, 32, 64])('of %d bytes is taken', (bytes) => {
    const secret = signingSecret(bytes)
    expect(readConfig({ ...minimal, SEAM_WEBHOOK_SECRET: secret }).seamWebhookSecrets).toEqual([secret])
  })

  test('may be one of several, separated by commas', () => {
    const secrets = [signingSecret(24), signingSecret(32), signingSecret(40)]
    const config = readConfig({ ...minimal, SEAM_WEBHOOK_SECRET: ` ${secrets.join(' , ')},` })
    expect(config.seamWebhookSecrets).toEqual(secrets)
  })

  test.each([
    ['has no prefix', SECRET.slice(6), 'a string of 32 characters without the prefix whsec_'],
    ['is no base64', `whsec_${'!'.repeat(32)}`, 'something that is not base64 behind the prefix'],
    ['was cut off', SECRET.slice(0, -1), 'something that is not base64 behind the prefix'],
    ['is the prefix alone', 'whsec_', 'something that is not base64 behind the prefix'],
    ['is too short', signingSecret(23), 'a key of 23 bytes'],
    ['is too long', signingSecret(65), 'a key of 65 bytes'],
  ])('that %s is refused and not shown, in the environment and in a hook', (_what, secret, found) => {
    const expected = 'whsec_ and the base64 of 24 to 64 bytes'
    const inEnvironment = errorOf({ ...minimal, SEAM_WEBHOOK_SECRET: secret })
    expect(inEnvironment.mistakes).toEqual([{ where: 'SEAM_WEBHOOK_SECRET', expected, found }])
    const inHook = errorOf(withHooks([{ name: 'one', url: 'http://x', secrets: [SECRET, secret] }]))
    expect(inHook.mistakes).toEqual([{ where: 'HOOKS[0].secrets[1]', expected, found }])
    expect(piecesTold(inEnvironment.message + inHook.message, secret)).toEqual([])
  })

  test('is named by its number where there are several', () => {
    expect(mistakesOf({ ...minimal, SEAM_WEBHOOK_SECRET: `${SECRET},oops,${SECRET}` })).toMatchObject([
      { where: 'SEAM_WEBHOOK_SECRET (number 2 of 3)' },
    ])
  })
})

describe('no secret is ever told', () => {
  const leak = 'hunter2-hunter2'

  test.each<[string, Environment]>([
    ['in a signing secret', { ...minimal, SEAM_WEBHOOK_SECRET: `${SECRET},${leak}` }],
    ['in the address of the database', { ...minimal, DATABASE_URL: `mysql://user:${leak}@db/relay` }],
    ['in one without a database', { ...minimal, DATABASE_URL: `postgres://user:${leak}@db:5432/` }],
    ['in a parameter of such a one', { ...minimal, DATABASE_URL: `postgres://db/?password=${leak}` }],
    ["in a hook's secret", withHook({ secrets: [leak] })],
    ["in a hook's secret outside a list", withHook({ secrets: leak })],
    ["in a hook's secrets of the wrong kind", withHook({ secrets: [[leak], { key: leak }] })],
    ['in too many secrets', withHook({ secrets: Array.from({ length: 9 }, () => `whsec_${leak}`) })],
    ['in a header', withHook({ headers: { authorization: `Bearer ${leak}\n` } })],
    ['in a header that is not a text', withHook({ headers: { authorization: [leak] } })],
    ['in a list of headers', withHook({ headers: [`authorization: ${leak}`] })],
    ['in headers that are a text', withHook({ headers: `authorization: ${leak}` })],
    ['in a reserved header', withHook({ headers: { 'webhook-signature': leak } })],
    ['in a URL', withHook({ url: `https://user:${leak}@example.com` })],
    ['in a URL of the wrong kind', withHook({ url: [`https://example.com/?token=${leak}`] })],
    ['in a setting that does not exist', withHook({ secret: leak, retry: { token: leak } })],
    ['in a list of hooks that is no list', { ...minimal, HOOKS: JSON.stringify({ secret: leak }) }],
    ['in a list of hooks that is a text', { ...minimal, HOOKS: JSON.stringify(leak) }],
    ['in a hook that is a text', { ...minimal, HOOKS: JSON.stringify([`https://user:${leak}@example.com`]) }],
    ['in a hook that is a list', { ...minimal, HOOKS: JSON.stringify([[{ secrets: [leak] }]]) }],
    ['in a setting that is a list', withHook({ name: [leak], timeoutMs: { secret: leak } })],
    ['in a header line that became a key', withHook({ headers: { [`authorization: ${leak}`]: '' } })],
    ['in such a line with an unset variable', withHook({ headers: { [`a: ${leak}`]: '${UNSET}' } })],
    ['in such a line outside the headers', withHook({ [`authorization: ${leak}`]: '' })],
    ['in the address of alerts', { ...minimal, ALERT_URL: `https://user:${leak}@hooks.example.com` }],
    ['in hooks in the place of their file', { SEAM_WEBHOOK_SECRET: SECRET, HOOKS_FILE: `[{"x":"${leak}"}]` }],
    ['in a name taken from a variable', { ...withHook({ name: '${LEAK}!' }), LEAK: leak }],
    ['in an event type taken from a variable', { ...withHook({ events: ['${LEAK}'] }), LEAK: leak }],
    ['in a workspace taken from a variable', { ...withHook({ workspaces: ['${LEAK}'] }), LEAK: leak }],
    ['in an ordering taken from a variable', { ...withHook({ ordering: '${LEAK}' }), LEAK: leak }],
    ['in a time taken from a variable', { ...withHook({ timeoutMs: '${LEAK}' }), LEAK: leak }],
    [
      'in a name taken from a variable twice',
      {
        ...withHooks([
          { name: '${LEAK}', url: 'http://x' },
          { name: '${LEAK}', url: 'http://x' },
        ]),
        LEAK: leak,
      },
    ],
    ['in a value taken from a variable', { ...withHook({ headers: { a: '${LEAK}\n' } }), LEAK: leak }],
    ['in a secret taken from a variable', { ...withHook({ secrets: ['${LEAK}'] }), LEAK: leak }],
    ['in a URL taken from a variable', { ...withHook({ url: 'https://${LEAK}@x' }), LEAK: leak }],
    ['in JSON with a mistake', { ...minimal, HOOKS: `[{"secrets":["${leak}"],}]` }],
    ['in JSON that was cut off', { ...minimal, HOOKS: `[{"secrets":["${leak}` }],
    ['in a text that is no JSON', { ...minimal, HOOKS: leak }],
  ])('%s', (_where, environment) => {
    expect(piecesTold(errorOf(environment).message, leak)).toEqual([])
  })

  test.each([
    ['in a line with a mistake', `hooks:\n  - name: "one\n    secrets: [${leak}]\n`],
    ['in a key that comes twice', `hooks:\n  - {name: one, secrets: [${leak}], secrets: [${leak}]}\n`],
    ['in a line indented by a tab', `hooks:\n\t- ${leak}\n`],
    ['in a file without hooks', `secrets: [${leak}]\n`],
    ['in a file that is a text', leak],
    ['in JSON that was cut off', `{"hooks": [{"secrets": ["${leak}`],
    ['in an alias of nothing', `hooks: *${leak}\n`],
  ])('%s of a hooks file', (_where, content) => {
    expect(piecesTold(errorOf(withFile('hooks.yaml', content)).message, leak)).toEqual([])
  })
})

describe('hooks', () => {
  const full = {
    name: 'access-log',
    url: 'https://example.com/seam?a=b',
    events: ['acs_credential.*', 'device.connected'],
    workspaces: ['b5d1cb4e-0c49-4a0f-9a3c-5b0d3c1f7a10'],
    secrets: [SECRET],
    headers: { authorization: 'Bearer token' },
    timeoutMs: 5000,
    concurrency: 4,
    maxPerSecond: 2.5,
    ordering: 'credential',
    retry: { initialDelayMs: 10, maxDelayMs: 20, giveUpAfterMs: 30 },
    breaker: { failures: 3, cooldownMs: 100 },
  }

  test('come inline, as JSON', () => {
    expect(readConfig(withHooks([full])).hooks).toEqual([full])
  })

  test('come from a JSON file', () => {
    expect(readConfig(withFile('hooks.json', JSON.stringify({ hooks: [full] }))).hooks).toEqual([full])
  })

  test('come from a YAML file', () => {
    const content = `
      hooks:
        - name: access-log                     # the delivery's identity
          url: https://example.com/seam?a=b
          events: ["acs_credential.*", device.connected]
          workspaces: ["b5d1cb4e-0c49-4a0f-9a3c-5b0d3c1f7a10"]
          secrets: ["${SECRET}"]
          headers: { authorization: "Bearer token" }
          timeoutMs: 5000
          concurrency: 4
          maxPerSecond: 2.5
          ordering: credential
          retry: { initialDelayMs: 10, maxDelayMs: 20, giveUpAfterMs: 30 }
          breaker: { failures: 3, cooldownMs: 100 }
    `
    expect(readConfig(withFile('hooks.yaml', content)).hooks).toEqual([full])
  })

  test('in part of a group of settings keep the defaults of the rest', () => {
    expect(readHook({ name: 'one', url: 'http://x', retry: { maxDelayMs: 5000 } }).retry).toEqual({
      initialDelayMs: 1000,
      maxDelayMs: 5000,
      giveUpAfterMs: 259_200_000,
    })
  })

  test('have to come, from one place', () => {
    const where = 'HOOKS, HOOKS_FILE'
    const expected = 'one of them'
    const { HOOKS: _left, ...neither } = minimal
    expect(mistakesOf(neither)).toEqual([{ where, expected, found: 'neither' }])
    expect(mistakesOf({ ...minimal, HOOKS_FILE: 'hooks.yaml' })).toEqual([{ where, expected, found: 'both' }])
  })

  test('in a file that is not there are a mistake that names the path', () => {
    const path = join(scratchFolder(), 'missing.yaml')
    expect(mistakesOf({ SEAM_WEBHOOK_SECRET: SECRET, HOOKS_FILE: path })).toEqual([
      {
        where: 'HOOKS_FILE',
        expected: 'a readable YAML or JSON file',
        found: `${path}, which cannot be read (ENOENT)`,
      },
    ])
  })

  test('in a file are named by its name and the path in it', () => {
    const content = 'hooks:\n  - name: one\n    url: http://x\n    retry: { giveUpAfterMs: -1 }\n'
    expect(mistakesOf(withFile('hooks.yaml', content))).toEqual([
      {
        where: 'hooks.yaml: hooks[0].retry.giveUpAfterMs',
        expected: 'a whole number of milliseconds, 0 to 31536000000',
        found: '-1',
      },
    ])
  })

  test('in a file with a mistake of syntax are named by line and column', () => {
    expect(mistakesOf(withFile('hooks.yaml', 'hooks:\n  - {name: one\n'))).toMatchObject([
      { where: 'hooks.yaml', found: expect.stringMatching(/^a mistake of syntax in line 3, column \d+ \(/) },
    ])
  })

  test.each([
    ['an alias of nothing', 'hooks: *nothing\n', 'hooks.yaml'],
    ['too many aliases', `a: &a [1]\nhooks: [${'*a,'.repeat(101)}]\n`, 'hooks.yaml'],
    ['aliases of aliases', aliasesOfAliases(), 'hooks.yaml'],
    ['an alias of itself', 'hooks: &a\n  - *a\n', 'hooks.yaml: hooks'],
    ['two aliases of itself', 'hooks: &a [*a, *a]\n', 'hooks.yaml: hooks'],
    ['an alias of itself in a hook', 'hooks: &a\n  - {name: one, headers: *a}\n', 'hooks.yaml: hooks'],
    ['brackets without end', `hooks: ${'['.repeat(100_000)}`, 'hooks.yaml'],
  ])('in a file with %s are a mistake like any other', (_what, content, where) => {
    expect(mistakesOf(withFile('hooks.yaml', content))).toMatchObject([{ where }])
  })

  test('nested deeper than any hook are a mistake, however deep', () => {
    const HOOKS = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    expect(mistakesOf({ ...minimal, HOOKS })).toEqual([
      { where: 'HOOKS', expected: 'a list of hooks', found: 'more than 32 levels in it' },
    ])
  })

  test('in JSON whose text speaks of a position are not named by that', () => {
    expect(mistakesOf({ ...minimal, HOOKS: '"at position 77"x' })[0]?.found).not.toContain('78')
  })

  test('in JSON with a mistake of syntax are named by the character', () => {
    const text = '[{"name":"one","url":"http://example.com/a/path",}]'
    expect(mistakesOf({ ...minimal, HOOKS: text })).toEqual([
      {
        where: 'HOOKS',
        expected: 'a JSON array of hooks',
        found: `text that is not JSON at character ${text.indexOf('}') + 1}`,
      },
    ])
  })

  test.each([
    ['', 'none'],
    ['- name: one\n', 'none'],
    ['hook: []\n', 'none'],
  ])('in a file without a list of them are a mistake: %j', (content, found) => {
    expect(mistakesOf(withFile('hooks.yaml', content))).toEqual([
      { where: 'hooks.yaml', expected: 'a list under "hooks:"', found },
    ])
  })

  test('of one name are a mistake that names the first', () => {
    const hooks = ['one', 'two', 'one'].map((name) => ({ name, url: 'http://x' }))
    expect(mistakesOf(withHooks(hooks))).toEqual([
      { where: 'HOOKS[2].name', expected: 'a name of its own', found: 'the name that HOOKS[0] has' },
    ])
  })
})

describe('a hook', () => {
  test.each([
    ['name', 'Upper'],
    ['name', ''],
    ['name', 'a'.repeat(65)],
    ['name', 'under_score'],
    ['events', []],
    ['events', ['*', 'Device']],
    ['workspaces', []],
    ['workspaces', ['not-a-uuid']],
    ['timeoutMs', 0],
    ['timeoutMs', 1.5],
    ['timeoutMs', '5000'],
    ['concurrency', 0],
    ['concurrency', 1025],
    ['maxPerSecond', -1],
    ['ordering', 'event'],
    ['retry', null],
    ['breaker', { failures: 0 }],
    ['breaker', { cooldownMs: 2_147_483_648 }],
  ])('with %s %j is refused, and so named', (field, value) => {
    const mistakes = mistakesOf(withHook({ [field]: value }))
    expect(mistakes).toHaveLength(1)
    expect(mistakes[0]?.where).toMatch(new RegExp(`^HOOKS\\[0\\]\\.${field}\\b`))
  })

  test('with a setting that does not exist is refused, at whatever depth', () => {
    const mistakes = mistakesOf(withHook({ timeout: 5, retry: { times: 3 }, breaker: { open: true } }))
    expect(mistakes).toHaveLength(3)
    expect(mistakes).toEqual(
      expect.arrayContaining(
        ['HOOKS[0].timeout', 'HOOKS[0].retry.times', 'HOOKS[0].breaker.open'].map((where) => ({
          where,
          expected: 'no such setting',
          found: 'a setting of that name',
        })),
      ),
    )
  })

  test('whose longest delay is shorter than its first is refused, by the default too', () => {
    expect(mistakesOf(withHook({ retry: { initialDelayMs: 100, maxDelayMs: 99 } }))).toEqual([
      {
        where: 'HOOKS[0].retry.maxDelayMs',
        expected: 'at least retry.initialDelayMs (100)',
        found: '99',
      },
    ])
    expect(mistakesOf(withHook({ retry: { maxDelayMs: 999 } }))).toHaveLength(1)
    expect(mistakesOf(withHook({ retry: { maxDelayMs: 0 } }))).toEqual([
      {
        where: 'HOOKS[0].retry.maxDelayMs',
        expected: 'a whole number of milliseconds, 1 to 604800000',
        found: '0',
      },
    ])
    expect(readHook({ name: 'one', url: 'http://x', retry: { maxDelayMs: 1000 } }).retry.maxDelayMs).toBe(
      1000,
    )
  })

  test.each([
    'example.com/hook',
    'ftp://example.com',
    'https://user@example.com',
    'https://user:password@example.com',
    'https://:password@example.com',
    'http://',
    '',
  ])('with the URL "%s" is refused', (url) => {
    const found = url === '' ? 'an empty string' : `a string of ${url.length} characters (not shown)`
    expect(mistakesOf(withHook({ url }))).toEqual([
      { where: 'HOOKS[0].url', expected: 'an http: or https: URL without user name and password', found },
    ])
  })

  test.each([
    'content-type',
    'Content-Length',
    'HOST',
    'user-agent',
    'connection',
    'transfer-encoding',
    'expect',
    'proxy-authorization',
    'webhook-id',
    'Webhook-Signature',
    'seam-relay-attempt',
    'traceparent',
  ])('with the header %s, which the relay sets itself, is refused', (name) => {
    expect(mistakesOf(withHook({ headers: { [name]: 'x' } }))).toEqual([
      { where: `HOOKS[0].headers.${name}`, expected: 'no header that seam-relay sets itself', found: 'one' },
    ])
  })

  test.each([
    ['x-break', 'line\r\nanother: one'],
    ['x-nul', '\0'],
    ['x-wide', 'Ā'],
  ])('with the header %j: %j, whose value is not valid, is refused', (name, value) => {
    expect(mistakesOf(withHook({ headers: { [name]: value } }))).toMatchObject([
      { where: `HOOKS[0].headers.${name}`, expected: 'a valid value of an HTTP header' },
    ])
  })

  test.each(['two words', 'colon:', 'authorization: Bearer token', 'ä', ''])(
    'with a header named "%s", which is not valid, is refused by its number',
    (name) => {
      const found = name === '' ? 'an empty string' : `a string of ${name.length} characters (not shown)`
      expect(mistakesOf(withHook({ headers: { 'x-good': 'x', [name]: 'x' } }))).toEqual([
        { where: 'HOOKS[0].headers (number 2 of 2)', expected: 'a valid name of an HTTP header', found },
      ])
    },
  )

  test('may have any other header', () => {
    const headers = { authorization: 'Bearer x', 'X-Anything': 'ä', cookie: 'a=b' }
    expect(readHook({ name: 'one', url: 'http://x', headers }).headers).toEqual(headers)
  })
})

describe('${NAME}', () => {
  const environment = { HOST_NAME: 'example.com', TOKEN: 'to"ken: {x}', HOOK_SECRET: SECRET }

  test('takes a variable in every text, inline and in a file', () => {
    const item = {
      name: 'one',
      url: 'https://${HOST_NAME}/${HOST_NAME}',
      secrets: ['${HOOK_SECRET}'],
      headers: { authorization: 'Bearer ${TOKEN}' },
    }
    const taken = {
      url: 'https://example.com/example.com',
      secrets: [SECRET],
      headers: { authorization: 'Bearer to"ken: {x}' },
    }
    expect(readConfig({ ...withHooks([item]), ...environment }).hooks).toMatchObject([taken])
    const yaml = `hooks:
  - name: one
    url: https://\${HOST_NAME}/\${HOST_NAME}
    secrets: ["\${HOOK_SECRET}"]
    headers: { authorization: "Bearer \${TOKEN}" }
`
    expect(readConfig({ ...withFile('hooks.yaml', yaml), ...environment }).hooks).toMatchObject([taken])
  })

  test('takes a value as it stands: what looks like a reference in it is none', () => {
    const hook = readConfig({ ...withHook({ headers: { a: '${A}' } }), A: '${B}', B: 'no' }).hooks[0]
    expect(hook?.headers).toEqual({ a: '${B}' })
  })

  test('of an unset variable is a mistake that names it, and no other', () => {
    const item = { secrets: ['${UNSET}'], headers: { a: 'x ${UNSET_TOO}' }, url: '${UNSET_URL}' }
    expect(mistakesOf(withHook(item))).toEqual(
      expect.arrayContaining([
        { where: 'HOOKS[0].secrets[0]', expected: 'the variable UNSET to be set', found: 'nothing' },
        { where: 'HOOKS[0].headers.a', expected: 'the variable UNSET_TOO to be set', found: 'nothing' },
        { where: 'HOOKS[0].url', expected: 'the variable UNSET_URL to be set', found: 'nothing' },
      ]),
    )
    expect(mistakesOf(withHook(item))).toHaveLength(3)
  })

  test('of an empty variable is a mistake like that of an unset one', () => {
    expect(mistakesOf({ ...withHook({ headers: { a: '${EMPTY}' } }), EMPTY: '' })).toEqual([
      { where: 'HOOKS[0].headers.a', expected: 'the variable EMPTY to be set', found: 'nothing' },
    ])
  })

  test('is no reference where it is not written so', () => {
    const headers = { a: '$NAME', b: '{NAME}', c: '${1}', d: '${}' }
    expect(readHook({ name: 'one', url: 'http://x', headers }).headers).toEqual(headers)
  })
})

describe('OPERATOR_TOKEN', () => {
  test.each(['0.0.0.0', '::', '10.0.0.5', 'relay.internal'])('is required on %s', (host) => {
    expect(mistakesOf({ ...minimal, OPERATOR_HOST: host })).toEqual([
      {
        where: 'OPERATOR_TOKEN',
        expected: 'a token, because OPERATOR_HOST is not loopback',
        found: 'nothing',
      },
    ])
    const { operatorListener } = readConfig({ ...minimal, OPERATOR_HOST: host, OPERATOR_TOKEN: 'token' })
    expect(operatorListener).toMatchObject({ host, token: 'token' })
  })

  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('is not required on %s', (host) => {
    expect(readConfig({ ...minimal, OPERATOR_HOST: host }).operatorListener).toMatchObject({
      host,
      token: undefined,
    })
  })
})

describe('TRUST_PROXY', () => {
  test.each<[string, boolean | string[]]>([
    ['true', true],
    ['false', false],
    ['10.0.0.1', ['10.0.0.1']],
    ['10.0.0.0/8, fd00::/8', ['10.0.0.0/8', 'fd00::/8']],
    ['loopback,uniquelocal', ['loopback', 'uniquelocal']],
  ])('may be %s', (text, trustProxy) => {
    expect(readConfig({ ...minimal, TRUST_PROXY: text }).trustProxy).toEqual(trustProxy)
  })

  test.each(['1', 'yes', '10.0.0.0/33', '10.0.0.0/8/8', 'fd00::/129', '10.0.0.1,proxy.internal', ','])(
    'may not be %s',
    (text) => {
      expect(mistakesOf({ ...minimal, TRUST_PROXY: text })).toEqual([
        {
          where: 'TRUST_PROXY',
          expected: 'true, false, or addresses and CIDR ranges of the proxies',
          found: `"${text}"`,
        },
      ])
    },
  )
})

describe('ALERT_URL', () => {
  test.each(['example.com/alert', 'ftp://example.com', 'https://user@example.com', 'https://'])(
    'may not be %s',
    (text) => {
      expect(mistakesOf({ ...minimal, ALERT_URL: text })).toEqual([
        {
          where: 'ALERT_URL',
          expected: 'an http: or https: URL without user name and password',
          found: `a string of ${text.length} characters (not shown)`,
        },
      ])
    },
  )
})

/** Each holds ten of the one before. */
function aliasesOfAliases(): string {
  const tenTimes = (alias: string) => `[${Array.from({ length: 10 }, () => alias).join(',')}]`
  return `a: &a ${tenTimes('1')}\nb: &b ${tenTimes('*a')}\nc: &c ${tenTimes('*b')}\nhooks: [*c,*c,*c]\n`
}

function signingSecret(bytes: number): string {
  return `whsec_${Buffer.alloc(bytes, 'key').toString('base64')}`
}

function withHooks(hooks: unknown[]): Environment {
  return { ...minimal, HOOKS: JSON.stringify(hooks) }
}

/** One hook that is right but for these settings. */
function withHook(settings: Record<string, unknown>): Environment {
  return withHooks([{ name: 'one', url: 'http://example.com', ...settings }])
}

function withFile(name: string, content: string): Environment {
  const path = join(scratchFolder(), name)
  writeFileSync(path, content)
  return { SEAM_WEBHOOK_SECRET: SECRET, HOOKS_FILE: path }
}

function readHook(item: Record<string, unknown>) {
  const [hook] = readConfig(withHooks([item])).hooks
  if (hook === undefined) throw new Error('no hook was read')
  return hook
}

function errorOf(environment: Environment): ConfigError {
  try {
    readConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('nothing was found to be wrong')
}

function mistakesOf(environment: Environment): readonly Mistake[] {
  return errorOf(environment).mistakes
}

/** What a message tells of a secret: every piece of it that is long enough to be of use. */
function piecesTold(message: string, secret: string): string[] {
  const key = secret.replace('whsec_', '')
  const pieces = Array.from({ length: Math.max(0, key.length - 6) }, (_, start) =>
    key.slice(start, start + 7),
  )
  return pieces.filter((piece) => message.includes(piece))
}
