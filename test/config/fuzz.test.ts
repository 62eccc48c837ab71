import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { ConfigError } from '../../src/config/mistake.ts'
import { scratchFolder } from '../support/scratch.ts'
import { SECRET, minimal, piecesTold } from './reading.ts'

/** A configuration, or every mistake in words: nothing else may come of whatever is given. */
function judged(environment: Record<string, string>): ReturnType<typeof readConfig> | ConfigError {
  try {
    return readConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

const VARIABLES = [
  'HOST',
  'PORT',
  'OPERATOR_HOST',
  'OPERATOR_PORT',
  'OPERATOR_TOKEN',
  'DATABASE_URL',
  'ACCEPT_EVENT_TYPES',
  'BODY_LIMIT_BYTES',
  'RATE_LIMIT_PER_MINUTE',
  'FORGERY_LIMIT_PER_MINUTE',
  'TRUST_PROXY',
  'PAYLOAD_RETENTION_DAYS',
  'DEDUP_RETENTION_DAYS',
  'SHUTDOWN_TIMEOUT_MS',
  'LOG_LEVEL',
  'ALERT_URL',
  'HOOKS',
  'SEAM_WEBHOOK_SECRET',
]

/** Values near those that mean something: numbers at their edges, addresses, lists. */
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '0',
    '-1',
    '1e3',
    '0x10',
    ' 3000',
    '3000.5',
    '65536',
    '9'.repeat(400),
    'NaN',
    'Infinity',
    'true',
  ),
  fc.constantFrom(
    '::',
    '[::1]',
    '127.0.0.1',
    '0.0.0.0/0',
    'loopback,',
    ',',
    '*',
    '*.*',
    'acs_credential.*,',
    'a.b',
  ),
  fc.constantFrom(
    'sqlite:',
    'sqlite:/',
    'postgres://',
    'postgres://h/d?sslmode=',
    'postgres://h/%',
    'http://[',
    'file:///',
  ),
  fc.integer().map(String),
  fc.double().map(String),
)

test(
  'whatever stands in the environment gives settings, or mistakes in the variables that were given',
  { timeout: 120_000 },
  () => {
    const environment = fc.dictionary(fc.constantFrom(...VARIABLES), value, { maxKeys: 4 })
    fc.assert(
      fc.property(environment, (given) => {
        const result = judged({ ...minimal, ...given })
        if (!(result instanceof ConfigError)) return
        expect(result.mistakes.length).toBeGreaterThan(0)
        // A mistake is in what was given, or in what that makes necessary: a token for an address that is not loopback.
        const places = new Set([...Object.keys(given), 'OPERATOR_TOKEN', 'HOOKS_FILE'])
        const elsewhere = result.mistakes.filter(
          ({ where }) => !places.has(where.split(/[[ :,]/)[0] as string),
        )
        expect(elsewhere).toEqual([])
      }),
      { numRuns: 800 },
    )
  },
)

test(
  'numbers that are taken are finite and within sense, however they were written',
  { timeout: 120_000 },
  () => {
    const numeric = VARIABLES.filter((name) => /PORT|LIMIT|DAYS|MS$/.test(name))
    fc.assert(
      fc.property(fc.constantFrom(...numeric), value, (name, text) => {
        const result = judged({ ...minimal, [name]: text })
        if (result instanceof ConfigError) return
        const numbers = Object.values(result).filter((one) => typeof one === 'number')
        expect(numbers.filter((one) => !Number.isInteger(one) || one < 0)).toEqual([])
        expect(
          [result.publicListener, result.operatorListener].filter(
            ({ port }) => !(port >= 0 && port <= 65_535),
          ),
        ).toEqual([])
      }),
      { numRuns: 500 },
    )
  },
)

/** It does not look like the name of a setting, which a mistake would show. */
const leak = 'hunter2/hunter2=='
const KEYS = [
  'name',
  'url',
  'events',
  'workspaces',
  'secrets',
  'headers',
  'timeoutMs',
  'concurrency',
  'maxPerSecond',
]
const MORE_KEYS = ['ordering', 'retry', 'breaker', '__proto__', 'constructor', 'toString', 'x y', '']

const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom('${LEAK}', ['${LEAK}'], { a: '${LEAK}' }, '${', ['*']),
)
const secretive = fc.constantFrom(
  leak,
  [leak],
  [[leak]],
  { authorization: leak },
  { a: [leak] },
  SECRET,
  [SECRET],
  7,
)

/** A hook with anything in any of its settings. Secrets are where they belong, and by a variable everywhere else. */
const hook = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...KEYS, ...MORE_KEYS), anything, { maxKeys: 6 }),
    fc.dictionary(fc.constantFrom('secrets', 'headers', 'secret', 'token'), secretive, { maxKeys: 2 }),
  )
  .map(([one, other]) => ({ ...one, ...other }))

test(
  'whatever stands in HOOKS gives hooks that keep the rules, or mistakes that tell no secret',
  { timeout: 120_000 },
  () => {
    const named = fc.record({
      name: fc.constantFrom('one', 'two'),
      url: fc.constantFrom('http://a', 'https://b/c'),
    })
    const hooks = fc.array(
      fc.oneof(
        hook,
        fc.tuple(named, hook).map(([base, more]) => ({ ...more, ...base })),
      ),
      { maxLength: 3 },
    )
    fc.assert(
      fc.property(hooks, (given) => {
        const result = judged({ ...minimal, HOOKS: JSON.stringify(given), LEAK: leak })
        const message = result instanceof ConfigError ? result.message : ''
        expect([...piecesTold(message, leak), ...piecesTold(message, SECRET)]).toEqual([])
        if (result instanceof ConfigError) return
        const names = result.hooks.map(({ name }) => name)
        expect(names).toEqual([...new Set(names)])
        for (const { name, url, concurrency, timeoutMs } of result.hooks) {
          expect(name).toMatch(/^[a-z0-9-]{1,64}$/)
          expect(['http:', 'https:']).toContain(new URL(url).protocol)
          expect(concurrency).toBeGreaterThan(0)
          expect(timeoutMs).toBeGreaterThan(0)
        }
      }),
      { numRuns: 500 },
    )
  },
)

/** Bits of YAML, put together at random: anchors, aliases, tags, blocks, flows, merges, several documents. */
const yaml = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'hooks:',
        '\n',
        '\n  ',
        '- ',
        '  - name: one\n',
        '    url: http://x\n',
        '{',
        '}',
        '[',
        ']',
        ',',
        ': ',
      ),
      fc.constantFrom(
        '&a ',
        '*a',
        '<<: *a\n',
        '!!binary ',
        '!!js/function ',
        '!!set ',
        '? ',
        '| ',
        '>-\n',
        '---\n',
        '...\n',
      ),
      fc.constantFrom(
        '"',
        "'",
        '%YAML 1.2\n',
        '#',
        '\t',
        '\0',
        '\ufeff',
        '\u2028',
        '${HOME}',
        '${',
        `"${leak}"`,
        leak,
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''))

test(
  'whatever stands in the hooks file gives hooks, or mistakes that tell no secret',
  { timeout: 120_000 },
  () => {
    const path = join(scratchFolder(), 'hooks.yaml')
    fc.assert(
      fc.property(yaml, fc.boolean(), (text, isList) => {
        writeFileSync(path, isList ? `hooks:\n  - ${text}` : text)
        const result = judged({ SEAM_WEBHOOK_SECRET: SECRET, HOOKS_FILE: path })
        if (!(result instanceof ConfigError)) return
        expect(piecesTold(result.message, leak)).toEqual([])
        expect(result.mistakes.length).toBeGreaterThan(0)
      }),
      { numRuns: 800 },
    )
  },
)
