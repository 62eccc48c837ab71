import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createTerminal } from '../../src/commands/terminal.ts'

function streams(isTTY: boolean) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()].map((stream) =>
    Object.assign(stream, { isTTY }),
  ) as [PassThrough & { isTTY: boolean }, PassThrough & { isTTY: boolean }, PassThrough & { isTTY: boolean }]
  return { stdin, stdout, stderr }
}

test.each([
  ['y\n', true],
  ['YES\n', true],
  ['\n', false],
  ['n\n', false],
  ['yesterday\n', false],
])('the answer %j', async (answer, isYes) => {
  const { stdin, stdout, stderr } = streams(false)
  const confirmed = createTerminal({ stdin, stdout, stderr }).confirms('Begin?')
  stdin.write(answer)
  expect(await confirmed).toBe(isYes)
  expect(String(stderr.read())).toBe('Begin? [y/N] ')
  expect(stdout.read()).toBe(null)
})

test('the end of the input is a no', async () => {
  const { stdin, stdout, stderr } = streams(false)
  const confirmed = createTerminal({ stdin, stdout, stderr }).confirms('Begin?')
  stdin.end()
  expect(await confirmed).toBe(false)
})

test('a person is there only where input and messages are a terminal', () => {
  expect(createTerminal(streams(true)).hasPerson).toBe(true)
  expect(createTerminal({ ...streams(true), stdin: streams(false).stdin }).hasPerson).toBe(false)
  expect(createTerminal({ ...streams(true), stdout: streams(false).stdout }).hasPerson).toBe(true)
})

test('progress replaces its line on a terminal, and is nowhere else', () => {
  const [person, file] = [streams(true), streams(false)]
  createTerminal(person).progress('1 of 3')
  createTerminal(file).progress('1 of 3')
  expect(String(person.stderr.read())).toBe('\r\u001b[K1 of 3')
  expect(file.stderr.read()).toBe(null)
})

test('a terminal that does not know its width, as some in containers, is taken for a usual one', () => {
  const unknown = streams(true)
  expect(createTerminal({ ...unknown, stdout: Object.assign(unknown.stdout, { columns: 0 }) }).columns).toBe(
    100,
  )
  expect(createTerminal({ ...unknown, stdout: Object.assign(unknown.stdout, { columns: 70 }) }).columns).toBe(
    70,
  )
})

test('colours are for terminals', () => {
  expect(createTerminal(streams(false)).paint('red', 'dead')).toBe('dead')
})
