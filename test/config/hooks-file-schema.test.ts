import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { hooksFileSchema } from '../../src/config/hooks-file-schema.ts'
import { readConfig } from '../../src/config.ts'
import { newSecret } from '../support/signed-webhook.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const fits = new Ajv({ allErrors: true }).compile(hooksFileSchema())
/** Every example of a hooks file in the documents. */
const examples = ['README.md', 'docs/configuration.md'].flatMap((path) =>
  [...read(path).matchAll(/^```yaml\n(.*?)^```$/gms)]
    .map(([, text]) => ({ path, text: text as string }))
    .filter(({ text }) => text.includes('hooks:')),
)
const HOOK = { name: 'access-log', url: 'https://example.com/seam' }

test('docs/hooks.schema.json is made of the schema that judges hooks: after a change, npm run hooks-schema', () => {
  expect(JSON.parse(read('docs/hooks.schema.json'))).toEqual(JSON.parse(JSON.stringify(hooksFileSchema())))
})

test('the documents have examples, and each names the schema for the editor', () => {
  expect(examples.length).toBeGreaterThanOrEqual(2)
  for (const { text } of examples)
    expect(text).toMatch(/^# yaml-language-server: \$schema=\S*hooks\.schema\.json$/m)
})

test.each(examples)('an example of $path fits', ({ text }) => {
  expect({ fits: fits(parse(text)), errors: fits.errors }).toEqual({ fits: true, errors: null })
})

test('every setting fits, also where its string takes a variable', () => {
  const every = {
    ...HOOK,
    events: ['acs_credential.*', '${MORE_EVENTS}'],
    workspaces: ['b5d1cb4e-0c49-4a0f-9a3c-5b0d3c1f7a10', '${WORKSPACE}'],
    systems: ['${SYSTEM}'],
    accounts: ['${ACCOUNT}'],
    secrets: ['${SECRET}'],
    headers: { authorization: 'Bearer ${TOKEN}' },
    timeoutMs: 15_000,
    concurrency: 16,
    maxPerSecond: 0.5,
    ordering: '${ORDERING}',
    retry: { maxDelayMs: 1000 },
    breaker: {},
  }
  const all = { hooks: [every, { ...HOOK, name: '${STAGE}-log', ordering: 'credential' }] }
  expect({ fits: fits(all), errors: fits.errors }).toEqual({ fits: true, errors: null })
})

test.each<[string, unknown]>([
  ['no list', {}],
  ['a list that is none', { hooks: HOOK }],
  ['no name', { hooks: [{ url: HOOK.url }] }],
  ['no url', { hooks: [{ name: HOOK.name }] }],
  ['a name with a space', { hooks: [{ ...HOOK, name: 'access log' }] }],
  ['a mistyped setting', { hooks: [{ ...HOOK, event: ['acs_credential.*'] }] }],
  ['a mistyped setting within another', { hooks: [{ ...HOOK, retry: { giveUpAfter: 1 } }] }],
  ['a pattern that is none', { hooks: [{ ...HOOK, events: ['acs_credential*'] }] }],
  ['no pattern at all', { hooks: [{ ...HOOK, events: [] }] }],
  ['a number as text', { hooks: [{ ...HOOK, timeoutMs: '15000' }] }],
  ['a number out of its limits', { hooks: [{ ...HOOK, concurrency: 0 }] }],
  ['an unknown order', { hooks: [{ ...HOOK, ordering: 'strict' }] }],
])('%s is refused by the schema, and by the start', (_what, file) => {
  expect(fits(file)).toBe(false)
  const hooks = JSON.stringify((file as { hooks?: unknown }).hooks ?? null)
  expect(() => readConfig({ SEAM_WEBHOOK_SECRET: newSecret(), HOOKS: hooks })).toThrow(
    /^the configuration has (a|\d+) mistakes?:/,
  )
})
