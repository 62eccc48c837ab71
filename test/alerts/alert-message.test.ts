import { expect, test } from 'vitest'
import { alertMessage } from '../../src/alerts/alert-message.ts'
import type { Troubles } from '../../src/alerts/alert-message.ts'

const AT_MS = Date.parse('2026-03-01T10:00:00Z')
const [REPLAY, WAIT] = ['nothing is lost. Look for the reason', 'Deliveries wait and go on by themselves']

test.each<[string, Record<string, number>, string[]]>([
  ['1 delivery to one became a dead letter;', { one: 1 }, []],
  ['2 deliveries to one became dead letters;', { one: 2 }, []],
  ['1 delivery to one and 1 to two became dead letters;', { one: 1, two: 1 }, []],
  ['5 deliveries to one, 4 to two and 3 to three became dead letters;', { one: 5, two: 4, three: 3 }, []],
  ['the breaker of one opened: check that its receiver', {}, ['one']],
  ['the breakers of one and two opened: check that their receivers', {}, ['one', 'two']],
])('the text says what happened and what to do: %s', (beginning, counts, breakers) => {
  const { text } = alertMessage(troubles(counts, breakers), null, AT_MS)
  expect(text.startsWith(`seam-relay: ${beginning}`)).toBe(true)
  expect(text.includes(REPLAY)).toBe(Object.keys(counts).length > 0)
  expect(text.includes(WAIT)).toBe(breakers.length > 0)
})

test('the text names ten hooks and counts the others, and the lists name all', () => {
  const names = Array.from({ length: 1000 }, (_, index) => `hook-${index}`)
  const message = alertMessage(
    troubles(Object.fromEntries(names.map((name) => [name, 1])), names),
    null,
    AT_MS,
  )
  expect(message.text).toContain('1 to hook-9 and 990 other hooks became dead letters')
  expect(message.text).toContain('hook-9 and 990 other hooks opened')
  expect(message.text.length).toBeLessThan(1000)
  expect(message.dead_letters).toHaveLength(1000)
  expect(message.breakers_opened).toHaveLength(1000)
  expect(message.at).toBe('2026-03-01T10:00:00.000Z')
})

test.each([
  [
    1,
    0,
    '1 signed webhook was set aside in quarantine since 2026-03-01T09:58:00Z, because the body fits no schema:',
  ],
  [
    0,
    1,
    '1 signed webhook was set aside in quarantine since 2026-03-01T09:58:00Z, because its event_id is known with other content:',
  ],
  [
    23,
    0,
    '23 signed webhooks were set aside in quarantine since 2026-03-01T09:58:00Z, because their bodies fit no schema:',
  ],
  [
    20,
    3,
    '23 signed webhooks were set aside in quarantine since 2026-03-01T09:58:00Z, 20 of them because the body fits no schema, 3 because the event_id is known with other content:',
  ],
])(
  'the text tells what was set aside, why, since when, and what to do: %d, %d',
  (misfits, conflicts, expected) => {
    const sinceMs = AT_MS - 120_000
    const message = alertMessage(
      troubles({}, [], { misfits, conflicts, ids: ['id-1'], sinceMs }),
      null,
      AT_MS,
    )
    expect(message.text).toBe(
      `seam-relay: ${expected} no hook gets ${misfits + conflicts === 1 ? 'it' : 'them'}. See why with the queries in docs/operations.md, and if Seam has changed its events, look for a newer seam-relay.`,
    )
    const since = '2026-03-01T09:58:00.000Z'
    expect(message.quarantined).toEqual({ misfits, conflicts, ids: ['id-1'], since })
  },
)

test("the text ends with the overview's sentence, in which nothing becomes a mention or a link", () => {
  const overview = { verdict: 'act' as const, sentence: 'one is paused by a (<!channel> & <https://x|y>).' }
  const message = alertMessage(troubles({ one: 1 }, []), overview, AT_MS)
  expect(message.text).toMatch(
    /replay them\. Overview: one is paused by a \(&lt;!channel&gt; &amp; &lt;https:\/\/x\|y&gt;\)\.$/,
  )
  expect(message.overview).toEqual(overview)
})

test('missed events are told whether or not they were recovered, and gaps with the workspace', () => {
  const [since, until] = [AT_MS - 7_800_000, AT_MS - 60_000]
  const missed = new Map([
    ['w1', { missed: 12, recovered: 12, since, until }],
    ['w2', { missed: 3, recovered: 1, since, until }],
  ])
  const message = alertMessage(
    { ...troubles({}, []), missed, gaps: new Map([['w1', { since, until }]]) },
    null,
    AT_MS,
  )
  const span = 'between 2026-03-01T07:50:00Z and 2026-03-01T09:59:00Z'
  expect(message.text).toContain(`12 events were missed ${span}, all recovered.`)
  expect(message.text).toContain(`3 events were missed ${span}, 2 not recovered.`)
  expect(message.text).toContain(`events of workspace w1 may be missing ${span}:`)
  const times = { since: '2026-03-01T07:50:00.000Z', until: '2026-03-01T09:59:00.000Z' }
  expect(message.missed[0]).toEqual({ workspace_id: 'w1', missed: 12, recovered: 12, ...times })
  expect(message.gaps).toEqual([{ workspace_id: 'w1', ...times }])
})

function troubles(
  counts: Record<string, number>,
  breakers: string[],
  quarantined: Troubles['quarantined'] = null,
): Troubles {
  const deadLetters: Troubles['deadLetters'] = new Map()
  for (const [hook, count] of Object.entries(counts)) deadLetters.set(hook, { count, webhookIds: [] })
  return { deadLetters, breakersOpened: new Set(breakers), quarantined, missed: new Map(), gaps: new Map() }
}
