import { expect, test } from 'vitest'
import { newSecret, scenes } from '../../src/demo/scenes.ts'
import type { Scene } from '../../src/demo/scenes.ts'
import { rowOf } from '../../src/demo/table.ts'

const [issued, resend] = scenes(newSecret(), new Date()) as [Scene, Scene]
const call = { body: issued.body, verified: true }

test.each([
  { what: 'the expected answer and one delivery', answer: '202 accepted', calls: [call], verdict: 'ok' },
  { what: 'another answer', answer: '200 duplicate', calls: [call], verdict: 'WRONG' },
  { what: 'no answer', answer: null, calls: [call], verdict: 'WRONG' },
  { what: 'no delivery', answer: '202 accepted', calls: [], verdict: 'WRONG' },
  { what: 'two deliveries', answer: '202 accepted', calls: [call, call], verdict: 'WRONG' },
  {
    what: 'a signature that does not verify',
    answer: '202 accepted',
    calls: [{ ...call, verified: false }],
    verdict: 'WRONG',
  },
  {
    what: 'a delivery of other bytes than were sent',
    answer: '202 accepted',
    calls: [{ ...call, body: `${issued.body} ` }],
    verdict: 'WRONG',
  },
])('the row of an accepted event says $verdict for $what', ({ answer, calls, verdict }) => {
  expect(rowOf(issued, answer, calls).verdict).toBe(verdict)
})

test('the row of a resend is right only if it caused no further delivery', () => {
  expect(rowOf(resend, '200 duplicate', [call])).toMatchObject({ received: 'nothing more', verdict: 'ok' })
  expect(rowOf(resend, '200 duplicate', [call, call]).verdict).toBe('WRONG')
})
