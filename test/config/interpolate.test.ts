import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { SECRET, mistakesOf, readHook, withFile, withHook, withHooks } from './reading.ts'

const environment = { HOST_NAME: 'example.com', TOKEN: 'to"ken: {x}', HOOK_SECRET: SECRET }

test('${NAME} in any text becomes the variable, in HOOKS and in a file', () => {
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

test('a value that itself looks like ${NAME} is not replaced again', () => {
  const hook = readConfig({ ...withHook({ headers: { a: '${A}' } }), A: '${B}', B: 'no' }).hooks[0]
  expect(hook?.headers).toEqual({ a: '${B}' })
})

test('an unset variable is a mistake that names it, and the only one at that place', () => {
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

test('an empty variable counts as one that is not set', () => {
  expect(mistakesOf({ ...withHook({ headers: { a: '${EMPTY}' } }), EMPTY: '' })).toEqual([
    { where: 'HOOKS[0].headers.a', expected: 'the variable EMPTY to be set', found: 'nothing' },
  ])
})

test('$NAME, {NAME}, ${1} and ${} stay as they are', () => {
  const headers = { a: '$NAME', b: '{NAME}', c: '${1}', d: '${}' }
  expect(readHook({ name: 'one', url: 'http://x', headers }).headers).toEqual(headers)
})
