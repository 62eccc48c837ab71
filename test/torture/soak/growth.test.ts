import { expect, test } from 'vitest'
import type { Footprint } from './footprint.ts'
import { growths } from './growth.ts'

const MIB = 1_048_576
const AT_REST: Footprint = {
  heap: { main: 40 * MIB, 'store-thread.ts': 8 * MIB },
  external: 5 * MIB,
  resident: 150 * MIB,
  counts: { threads: 2, connections: 8, 'open files': 12, 'main: Timeout': 100 },
}
/** As it was, but for what is given. */
const changedBy = ({ heap, counts, ...rest }: Partial<Footprint>): Footprint => ({
  ...AT_REST,
  ...rest,
  heap: { ...AT_REST.heap, ...heap },
  counts: { ...AT_REST.counts, ...counts },
})

test.each<[string, Partial<Footprint>]>([
  ['nothing has changed', {}],
  ['a heap is larger by just 10 %', { heap: { main: 44 * MIB } }],
  ['a heap is smaller', { heap: { main: 20 * MIB } }],
  ['the system has given more to the process', { resident: 500 * MIB }],
  ['a few more connections are open', { counts: { connections: 13 } }],
  ['a kind of handle is there that was not, a few times', { counts: { 'main: ConnectWrap': 5 } }],
  ['of many timers there are 10 % more', { counts: { 'main: Timeout': 110 } }],
  ['files were closed', { counts: { 'open files': 0 } }],
])('no growth: %s', (_what, change) => {
  expect(growths(AT_REST, changedBy(change))).toEqual([])
})

test.each<[Partial<Footprint>, string]>([
  [
    { heap: { main: 44.4 * MIB } },
    'the heap of main grew from 40.00 MiB to 44.40 MiB, by 11.0 %; 10 % are allowed',
  ],
  [
    { heap: { 'store-thread.ts': 9 * MIB } },
    'the heap of store-thread.ts grew from 8.00 MiB to 9.00 MiB, by 12.5 %; 10 % are allowed',
  ],
  [
    { external: 6 * MIB },
    'memory outside the heaps grew from 5.00 MiB to 6.00 MiB, by 20.0 %; 10 % are allowed',
  ],
  [{ counts: { connections: 14 } }, '"connections" grew from 8 to 14, which is more than chance'],
  [{ counts: { 'main: Timeout': 111 } }, '"main: Timeout" grew from 100 to 111, which is more than chance'],
  [{ counts: { 'open pipe': 6 } }, '"open pipe" grew from 0 to 6, which is more than chance'],
  [{ heap: { 'other.ts': MIB } }, 'the thread other.ts was not there at the first measurement'],
])('growth: %j', (change, sentence) => {
  expect(growths(AT_REST, changedBy(change))).toEqual([sentence])
})

test('a thread that has gone is told', () => {
  const late = { ...AT_REST, heap: { main: 40 * MIB } }
  expect(growths(AT_REST, late)).toEqual(['the thread store-thread.ts has gone'])
})
