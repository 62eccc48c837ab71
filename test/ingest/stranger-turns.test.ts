import { expect, test } from 'vitest'
import { StrangerTurns } from '../../src/ingest/stranger-turns.ts'
import type { Turn } from '../../src/ingest/stranger-turns.ts'
import { ManualClock } from '../support/manual-clock.ts'

const STRANGER = '192.0.2.1'

test('an address has no more requests open than forgeries are left to it', async () => {
  const { enter, ended } = turnsWith({ left: 2 })
  const turns = [enter(), enter(), enter(), enter()]
  expect(await ended(turns)).toEqual(['go', 'go', null, null])
})

test('a forgery takes its turn with it, and the last one refuses those who wait', async () => {
  const limit = { left: 2 }
  const { enter, ended, turns } = turnsWith(limit)
  const all = [enter(), enter(), enter(), enter()]
  limit.left = 1
  turns.leave(STRANGER)
  expect(await ended(all)).toEqual(['go', 'go', null, null])
  limit.left = 0
  turns.leave(STRANGER)
  expect(await ended(all)).toEqual(['go', 'go', 'forger', 'forger'])
  expect(enter()).toBe('forger')
})

test('a request that came to nothing lets the next one in', async () => {
  const { enter, ended, turns } = turnsWith({ left: 1 })
  const all = [enter(), enter(), enter()]
  turns.leave(STRANGER)
  expect(await ended(all)).toEqual(['go', 'go', null])
})

test('the first verified webhook lets all in who wait', async () => {
  const limit = { left: 1 }
  const { enter, ended, turns } = turnsWith(limit)
  const all = [enter(), enter(), enter(), enter()]
  limit.left = Number.POSITIVE_INFINITY
  turns.leave(STRANGER)
  expect(await ended(all)).toEqual(['go', 'go', 'go', 'go'])
})

test('nobody waits for longer than two seconds', async () => {
  const { enter, ended, clock } = turnsWith({ left: 1 })
  const all = [enter(), enter()]
  clock.advance(1999)
  expect(await ended(all)).toEqual(['go', null])
  clock.advance(1)
  expect(await ended(all)).toEqual(['go', 'crowded'])
})

test('who was given up does not take a turn later', async () => {
  const { enter, ended, turns } = turnsWith({ left: 1 })
  const [first, second, third] = [enter(), enter(), enter()]
  if (typeof second === 'string') throw new Error('it did not wait')
  second.giveUp()
  turns.leave(STRANGER)
  expect(await ended([first, second, third])).toEqual(['go', 'crowded', 'go'])
})

test('one address does not wait for another', async () => {
  const { turns } = turnsWith({ left: 1 })
  expect(turns.enter('192.0.2.1')).toBe('go')
  expect(turns.enter('192.0.2.2')).toBe('go')
})

function turnsWith(limit: { left: number }) {
  const clock = new ManualClock()
  const turns = new StrangerTurns(clock, () => limit.left)
  return {
    clock,
    turns,
    enter: () => turns.enter(STRANGER),
    /** Each turn that has ended, `null` for those that still wait. */
    ended: (entered: ReturnType<typeof turns.enter>[]): Promise<(Turn | null)[]> =>
      Promise.all(
        entered.map(async (one) =>
          typeof one === 'string' ? one : Promise.race([one.turn, Promise.resolve(null)]),
        ),
      ),
  }
}
