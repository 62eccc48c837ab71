import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { relayMetrics, unknownIn } from './relay-metrics.ts'

interface Panel {
  id: number
  title: string
  type: string
  description?: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: { expr: string }[]
}

const path = resolve(import.meta.dirname, '../../deploy/grafana/seam-relay.json')
const text = readFileSync(path, 'utf8')
const { panels } = JSON.parse(text) as { panels: Panel[] }

test('every metric and label that the dashboard names is in /metrics of a relay', async () => {
  const metrics = await relayMetrics()
  const expressions = [...text.matchAll(/"(?:expr|definition|query)": "((?:[^"\\]|\\.)*)"/g)]
  expect(expressions.length).toBeGreaterThan(panels.length / 2)
  expect(expressions.flatMap(([, one = '']) => unknownIn(one.replaceAll('\\"', '"'), metrics))).toEqual([])
})

test('every panel asks something, and says what it shows', () => {
  const shown = panels.filter(({ type }) => type !== 'row')
  expect(
    shown.filter(({ targets = [], description = '' }) => targets.length === 0 || description === ''),
  ).toEqual([])
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
})

test('no two panels lie on each other', () => {
  const overlap = (one: Panel['gridPos'], other: Panel['gridPos']) =>
    one.x < other.x + other.w &&
    other.x < one.x + one.w &&
    one.y < other.y + other.h &&
    other.y < one.y + one.h
  const pairs = panels.flatMap((one, index) => panels.slice(index + 1).map((other) => [one, other] as const))
  expect(pairs.filter(([one, other]) => overlap(one.gridPos, other.gridPos))).toEqual([])
})
