import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { tryProgram } from './programs.ts'
import { relayMetrics, unknownIn } from './relay-metrics.ts'

const FOLDER = resolve(import.meta.dirname, '../../deploy/prometheus')
const read = (name: string): unknown => parse(readFileSync(join(FOLDER, name), 'utf8'))

interface Rule {
  alert: string
  expr: string
  labels: { severity: string }
  annotations: Record<string, string>
}

const [group] = (read('alerts.yaml') as { groups: { rules: Rule[] }[] }).groups
const rules = group?.rules ?? []

test('every metric and label that a rule names is in /metrics of a relay', async () => {
  const metrics = await relayMetrics()
  expect(
    rules.flatMap(({ alert, expr }) => unknownIn(expr, metrics).map((one) => `${alert}: ${one}`)),
  ).toEqual([])
})

test('what these expressions name is seen', () => {
  const metrics = new Map([['seam_relay_known', new Set(['hook'])]])
  const expression =
    'max by (hook) (seam_relay_known{hook=~"a", job="b",colour="c"}) > seam_relay_unknown_total'
  expect(unknownIn(expression, metrics)).toEqual(['seam_relay_known{colour}', 'seam_relay_unknown_total'])
})

test.each(rules)('$alert says what it means and what to do', ({ labels, annotations }) => {
  expect(Object.keys(annotations)).toEqual(['summary', 'meaning', 'action'])
  for (const text of Object.values(annotations)) expect(text.length).toBeGreaterThan(20)
  expect(labels.severity).toBeOneOf(['critical', 'warning'])
})

test('there are rules on absence: no scrape, no webhook', () => {
  const names = rules.map(({ alert }) => alert)
  expect(names).toEqual(expect.arrayContaining(['SeamRelayNotScraped', 'SeamRelayNoWebhooks']))
  expect(new Set(names).size).toBe(names.length)
})

test('every rule is tried once where it has to fire and once where it has not', () => {
  const { tests } = read('alerts.test.yaml') as { tests: { name: string }[] }
  const tried = new Set(tests.map(({ name }) => name))
  const missing = rules
    .flatMap(({ alert }) => [`${alert} fires`, `${alert} is silent`])
    .filter((one) => !tried.has(one))
  expect(missing).toEqual([])
})

describe('by the tool of Prometheus itself', () => {
  test.for<[string, string[]]>([
    ['the rules are valid', ['check', 'rules', '--lint-fatal', 'alerts.yaml']],
    ['the rules fire when they have to, and only then', ['test', 'rules', 'alerts.test.yaml']],
    ['the scrape configuration is valid', ['check', 'config', '--syntax-only', 'scrape.yaml']],
  ])('%s', ([, args], { skip }) => {
    const ran = tryProgram('promtool', args, { cwd: FOLDER }) ?? skip('promtool is not installed here')
    expect(ran).toMatchObject({ code: 0 })
  })
})
