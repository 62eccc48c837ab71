import { expect, test } from 'vitest'
import { errorOf, minimal, mistakesOf } from './reading.ts'

test('one message lists all mistakes, each with its place, what was expected and what was found', () => {
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

test('a single mistake is announced as one', () => {
  expect(errorOf({ ...minimal, PORT: 'x' }).message).toBe(
    'the configuration has a mistake:\n  PORT: expected a whole number, 0 to 65535, found "x"',
  )
})

test('a long value is shown by its beginning alone', () => {
  const [mistake] = mistakesOf({ ...minimal, LOG_LEVEL: 'x'.repeat(1000) })
  expect(mistake?.found).toMatch(/^"x{70,80}…$/)
})
