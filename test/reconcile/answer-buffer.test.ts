import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { AnswerBuffer } from '../../src/reconcile/answer-buffer.ts'

const body = (...chunks: Buffer[]) => Readable.from(chunks)

test('an answer is held whole, however its parts are cut', async () => {
  const parts = [Buffer.alloc(60_000, 'a'), Buffer.alloc(200_000, 'b'), Buffer.from('c')]
  expect(await new AnswerBuffer().read(body(...parts), 260_001)).toEqual(Buffer.concat(parts))
})

test('one that is longer than it may be is not held, and the next one is', async () => {
  const buffer = new AnswerBuffer()
  expect(await buffer.read(body(Buffer.from('four'), Buffer.from('five')), 7)).toBeNull()
  expect(await buffer.read(body(Buffer.from('next')), 7)).toEqual(Buffer.from('next'))
})

test('the next answer takes the same memory', async () => {
  const buffer = new AnswerBuffer()
  const first = await buffer.read(body(Buffer.from('first')), 100)
  const second = await buffer.read(body(Buffer.from('other')), 100)
  expect(second?.buffer).toBe(first?.buffer)
  expect(second?.toString()).toBe('other')
})

test('two answers that come at once do not mix', async () => {
  const buffer = new AnswerBuffer()
  const answers = await Promise.all(['one', 'two'].map((text) => buffer.read(body(Buffer.from(text)), 100)))
  expect(answers.map(String)).toEqual(['one', 'two'])
})
