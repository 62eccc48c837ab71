import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { scratchFolder } from '../support/scratch.ts'
import { SECRET, minimal, mistakesOf, readHook, withFile, withHooks } from './reading.ts'

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

test('hooks come inline, as JSON', () => {
  expect(readConfig(withHooks([full])).hooks).toEqual([full])
})

test('hooks come from a JSON file', () => {
  expect(readConfig(withFile('hooks.json', JSON.stringify({ hooks: [full] }))).hooks).toEqual([full])
})

test('hooks come from a YAML file', () => {
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

test('a hook that sets one of a group of settings keeps the defaults of the others', () => {
  expect(readHook({ name: 'one', url: 'http://x', retry: { maxDelayMs: 5000 } }).retry).toEqual({
    initialDelayMs: 1000,
    maxDelayMs: 5000,
    giveUpAfterMs: 259_200_000,
  })
})

test('either HOOKS or HOOKS_FILE must be given, and not both', () => {
  const where = 'HOOKS, HOOKS_FILE'
  const expected = 'one of them'
  const { HOOKS: _left, ...neither } = minimal
  expect(mistakesOf(neither)).toEqual([{ where, expected, found: 'neither' }])
  expect(mistakesOf({ ...minimal, HOOKS_FILE: 'hooks.yaml' })).toEqual([{ where, expected, found: 'both' }])
})

test('a hooks file that does not exist is a mistake that gives its path', () => {
  const path = join(scratchFolder(), 'missing.yaml')
  expect(mistakesOf({ SEAM_WEBHOOK_SECRET: SECRET, HOOKS_FILE: path })).toEqual([
    {
      where: 'HOOKS_FILE',
      expected: 'a readable YAML or JSON file',
      found: `${path}, which cannot be read (ENOENT)`,
    },
  ])
})

test('a mistake in a hooks file gives the name of the file and the path of the setting', () => {
  const content = 'hooks:\n  - name: one\n    url: http://x\n    retry: { giveUpAfterMs: -1 }\n'
  expect(mistakesOf(withFile('hooks.yaml', content))).toEqual([
    {
      where: 'hooks.yaml: hooks[0].retry.giveUpAfterMs',
      expected: 'a whole number of milliseconds, 0 to 31536000000',
      found: '-1',
    },
  ])
})

test('a mistake of syntax in a hooks file gives line and column', () => {
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
])('a hooks file with %s is a mistake like any other', (_what, content, where) => {
  expect(mistakesOf(withFile('hooks.yaml', content))).toMatchObject([{ where }])
})

test('hooks nested deeper than any hook can be are a mistake, however deep', () => {
  const HOOKS = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  expect(mistakesOf({ ...minimal, HOOKS })).toEqual([
    { where: 'HOOKS', expected: 'a list of hooks', found: 'more than 32 levels in it' },
  ])
})

test('a text in HOOKS that itself reads "at position" does not mislead the message', () => {
  expect(mistakesOf({ ...minimal, HOOKS: '"at position 77"x' })[0]?.found).not.toContain('78')
})

test('a mistake of syntax in HOOKS gives the character', () => {
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
])('a hooks file without a list under "hooks:" is a mistake: %j', (content, found) => {
  expect(mistakesOf(withFile('hooks.yaml', content))).toEqual([
    { where: 'hooks.yaml', expected: 'a list under "hooks:"', found },
  ])
})

test('two hooks with one name are a mistake that points to the first', () => {
  const hooks = ['one', 'two', 'one'].map((name) => ({ name, url: 'http://x' }))
  expect(mistakesOf(withHooks(hooks))).toEqual([
    { where: 'HOOKS[2].name', expected: 'a name of its own', found: 'the name that HOOKS[0] has' },
  ])
})

/** Each list holds ten aliases of the list before. */
function aliasesOfAliases(): string {
  const tenTimes = (alias: string) => `[${Array.from({ length: 10 }, () => alias).join(',')}]`
  return `a: &a ${tenTimes('1')}\nb: &b ${tenTimes('*a')}\nc: &c ${tenTimes('*b')}\nhooks: [*c,*c,*c]\n`
}
