import { expect, test } from 'vitest'
import { metricIn } from './metrics.ts'

const TEXT = `# HELP up Whether it is up.
# TYPE up gauge
up 1
deliveries{hook="one"} 3
deliveries{hook="one",state="dead"} 4
deliveries{hook="two",state="dead"} 5e+2
deliveries{hook="a \\"quoted\\" one"} NaN
`

test.each([
  ['up', {}, 1],
  ['deliveries', { hook: 'one' }, 3],
  ['deliveries', { hook: 'one', state: 'dead' }, 4],
  ['deliveries', { state: 'dead', hook: 'two' }, 500],
  ['deliveries', { hook: 'a \\"quoted\\" one' }, Number.NaN],
  ['deliveries', {}, undefined],
  ['deliveries', { hook: 'three' }, undefined],
  ['u', {}, undefined],
])('the sample %s %j has the value %s', (name, labels, value) => {
  expect(metricIn(TEXT, name, labels)).toBe(value)
})
