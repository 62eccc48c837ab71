import { expect, test } from 'vitest'
import { reused } from '../../src/operator/reused.ts'
import { ManualClock } from '../support/manual-clock.ts'

test('who asks a little later gets the last reading at once, and the next one is begun', async () => {
  const { ask, clock, readings } = await beginWith('first')
  clock.advance(1000)
  expect(await ask()).toBe('first')
  expect(await ask()).toBe('first')
  expect(readings).toHaveLength(2)
  readings[1]?.resolve('second')
  await expect.poll(ask).toBe('second')
  expect(readings).toHaveLength(2)
})

test('who asks much later waits for a new reading', async () => {
  const { ask, clock, readings } = await beginWith('first')
  clock.advance(3000)
  const asked = ask()
  readings[1]?.resolve('second')
  expect(await asked).toBe('second')
})

test('a reading that nobody waits for may fail: the last one serves until it is too old', async () => {
  const { ask, clock, readings } = await beginWith('first')
  clock.advance(1000)
  expect(await ask()).toBe('first')
  readings[1]?.reject(new Error('disk failed'))
  await expect.poll(async () => [await ask(), readings.length]).toEqual(['first', 3])
  clock.advance(2000)
  const asked = ask()
  readings[2]?.reject(new Error('disk failed again'))
  await expect(asked).rejects.toThrow('disk failed again')
})

async function beginWith(first: string) {
  const clock = new ManualClock()
  const readings: PromiseWithResolvers<string>[] = []
  function read(): Promise<string> {
    const reading = Promise.withResolvers<string>()
    readings.push(reading)
    return reading.promise
  }
  const ask = reused(read, 1000, clock, 3000)
  const asked = ask()
  readings[0]?.resolve(first)
  await asked
  return { ask, clock, readings }
}
