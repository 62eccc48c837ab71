import { describe, expect, test } from 'vitest'
import { findingsOf } from '../../../src/operator/overview/findings.ts'
import { ALL_WELL, sentenceOf, verdictOf } from '../../../src/operator/overview/sentence.ts'
import type { Facts } from '../../../src/operator/overview/facts.ts'
import { HOUR_MS, MINUTE_MS, NOW, facts, hook } from './facts.ts'

const failing = {
  hook: 'access-log',
  code: 'connection_refused',
  dead: 0,
  pending: 3,
  since: NOW - 8 * HOUR_MS,
  isComplete: true,
}
const lateRevocations = {
  hook: 'access-log',
  count: 3,
  dead: 0,
  since: Date.parse('2026-03-01T02:10:00Z'),
  code: 'connection_refused',
  isComplete: true,
}

test('where nothing is lost or late, the sentence says so and nothing else', () => {
  const findings = findingsOf(facts())
  expect(findings).toEqual([])
  expect([verdictOf(findings), sentenceOf(findings)]).toEqual(['ok', ALL_WELL])
})

test('revocations that a hook has not got come first, and say what they can cost', () => {
  const findings = findingsOf(
    facts({
      hooks: [hook({ dead: 40, pending: 3, oldestPendingAgeMs: 8 * HOUR_MS, breaker: 'open' })],
      failures: [failing, { ...failing, pending: 0, dead: 40, since: NOW - 30 * HOUR_MS }],
      revocations: [lateRevocations],
      quarantine: { open: 2, oldestAgeMs: MINUTE_MS },
    }),
  )
  expect(findings.map(({ kind }) => kind)).toEqual([
    'undelivered_revocations',
    'dead_letters',
    'breaker_open',
    'quarantine',
  ])
  expect(findings[0]).toMatchObject({
    count: 3,
    hook: 'access-log',
    code: 'connection_refused',
    severity: 'act',
  })
  expect(sentenceOf(findings)).toBe(
    '3 revocations have not reached access-log since 02:10 UTC (nothing listens at its address): a door may be open to someone who should be out. 3 more things need a look.',
  )
  expect(verdictOf(findings)).toBe('act')
})

test('each delivery is told once: a revocation is not counted as a dead letter or as late again', () => {
  const told = (counts: object, revocations: object) =>
    findingsOf(
      facts({
        hooks: [hook({ oldestPendingAgeMs: HOUR_MS, ...counts })],
        revocations: [{ ...lateRevocations, ...revocations }],
      }),
    ).map(({ kind, count }) => [kind, count])
  expect(told({ dead: 3 }, { dead: 3 })).toEqual([['undelivered_revocations', 3]])
  expect(told({ dead: 5 }, { dead: 3 })).toEqual([
    ['undelivered_revocations', 3],
    ['dead_letters', 2],
  ])
  expect(told({ pending: 3 }, { dead: 0 })).toEqual([['undelivered_revocations', 3]])
  expect(told({ dead: 1, pending: 4 }, { dead: 1 })).toEqual([
    ['undelivered_revocations', 3],
    ['late_deliveries', 2],
  ])
  expect(told({ dead: 5 }, { dead: 3, isComplete: false })).toEqual([
    ['undelivered_revocations', 3],
    ['dead_letters', 5],
  ])
})

test('where somebody has to act, the sentence says on what, and not what mends itself', () => {
  const findings = findingsOf(
    facts({
      hooks: [hook({ pending: 3, breaker: 'open', oldestPendingAgeMs: MINUTE_MS })],
      failures: [failing],
      quarantine: { open: 2, oldestAgeMs: MINUTE_MS },
    }),
  )
  expect(findings.map(({ severity }) => severity)).toEqual(['attention', 'act'])
  expect([verdictOf(findings), sentenceOf(findings)]).toEqual([
    'act',
    '2 signed webhooks are in quarantine since 09:59 UTC: no hook gets them. One more thing needs a look.',
  ])
})

test.each<[string, Partial<Facts>, string]>([
  [
    'one dead letter',
    { hooks: [hook({ dead: 1 })], failures: [{ ...failing, pending: 0, dead: 1, code: 'gone' }] },
    '1 delivery to access-log is a dead letter since 02:00 UTC: it answered 410: it wants this no more.',
  ],
  [
    'a pause',
    {
      hooks: [
        hook({
          pending: 4,
          oldestPendingAgeMs: HOUR_MS,
          breaker: 'open',
          pause: {
            hook: 'access-log',
            pausedAt: NOW - HOUR_MS,
            pausedBy: 'operator',
            reason: 'moving house',
          },
        }),
      ],
    },
    'access-log is paused since 09:00 UTC by operator (moving house): 4 deliveries wait.',
  ],
  [
    'an open breaker',
    { hooks: [hook({ pending: 3, breaker: 'open', oldestPendingAgeMs: MINUTE_MS })], failures: [failing] },
    'access-log keeps failing (nothing listens at its address): 3 deliveries wait.',
  ],
  [
    'a slow hook',
    { hooks: [hook({ pending: 1, oldestPendingAgeMs: 12 * MINUTE_MS })] },
    'access-log is behind: 1 delivery waits, the oldest for 12 min.',
  ],
  [
    'a removed hook',
    { hooks: [hook({ isConfigured: false, breaker: null, pending: 2, oldestPendingAgeMs: HOUR_MS })] },
    'access-log is no longer configured and still holds 2 deliveries.',
  ],
  [
    'what a removed hook holds, though nothing of it waits',
    {
      hooks: [hook({ isConfigured: false, breaker: null, dead: 3 })],
      failures: [{ ...failing, pending: 0, dead: 3 }],
    },
    'access-log is no longer configured and still holds 3 deliveries.',
  ],
  [
    'quarantine',
    { quarantine: { open: 1, oldestAgeMs: 26 * HOUR_MS } },
    '1 signed webhook is in quarantine since 28 Feb, 08:00 UTC: no hook gets it.',
  ],
  [
    'the secret of a second endpoint that is missing',
    { refusals: { mismatches: 15, fromKnownSenders: 14, since: NOW - 10 * MINUTE_MS } },
    '14 webhooks from a sender that also sends verified ones were refused since 09:50 UTC: none of your secrets made the signature.',
  ],
  [
    'somebody who guesses',
    { refusals: { mismatches: 1, fromKnownSenders: 0, since: NOW - MINUTE_MS } },
    '1 request with a wrong signature was refused since 09:59 UTC.',
  ],
  [
    'an unusual silence',
    {
      webhooks: { lastAt: NOW - 6 * HOUR_MS, acceptedLastHour: 0, usualPerHour: 7, expectedSinceLast: 42.4 },
    },
    'No webhook for 6 h; 42 are usual in such a time.',
  ],
  [
    'a relay that was never reached',
    { webhooks: { lastAt: null, acceptedLastHour: 0, usualPerHour: null, expectedSinceLast: null } },
    'No webhook has come yet.',
  ],
])('%s is said in one sentence', (_case, rest, text) => {
  const findings = findingsOf(facts(rest))
  expect(findings.map((finding) => finding.text)).toEqual([text])
  expect(findings[0]?.do).toMatch(/^[A-Z].*\.$/)
  expect(findings[0]?.href).toMatch(/^#\//)
})

describe('a silence', () => {
  const lastAt = NOW - 6 * HOUR_MS
  const silent = { lastAt, acceptedLastHour: 0, usualPerHour: 7, expectedSinceLast: 42 }
  const workspace = { workspaceId: 'w', recovered: null, gaps: [], failing: null }

  test('that is usual for the time of day is not worth a word', () => {
    expect(findingsOf(facts({ webhooks: { ...silent, expectedSinceLast: 3 } }))).toEqual([])
  })

  test('that Seam confirms is not worth a word', () => {
    const reconciliation = [{ ...workspace, confirmedUntil: NOW - MINUTE_MS }]
    expect(findingsOf(facts({ webhooks: silent, reconciliation }))).toEqual([])
  })

  test('that Seam has not confirmed for each workspace is told', () => {
    const reconciliation = [
      { ...workspace, confirmedUntil: NOW - MINUTE_MS },
      { ...workspace, confirmedUntil: lastAt - 1 },
    ]
    expect(findingsOf(facts({ webhooks: silent, reconciliation }))).toMatchObject([{ kind: 'silence' }])
  })
})

describe('reconciliation', () => {
  const span = { since: NOW - 5 * HOUR_MS, until: NOW - 4 * HOUR_MS }
  const workspace = { workspaceId: 'w', confirmedUntil: NOW, recovered: null, gaps: [], failing: null }

  test('that recovered events says how many, because the channel was broken', () => {
    const findings = findingsOf(
      facts({ reconciliation: [{ ...workspace, recovered: { count: 12, ...span } }] }),
    )
    expect(findings).toMatchObject([{ kind: 'missed_events', severity: 'attention', count: 12 }])
    expect(findings[0]?.text).toBe('12 events missed between 05:00 UTC and 06:00 UTC, all recovered.')
  })

  test('that could not check a span names it, and is for a person to act on', () => {
    const gaps = [{ ...span, text: 'Seam has more events at one moment than it lists' }]
    expect(findingsOf(facts({ reconciliation: [{ ...workspace, gaps }] }))).toMatchObject([
      { kind: 'missed_events', severity: 'act' },
    ])
  })

  test('that cannot ask Seam comes last', () => {
    const failingSince = { since: NOW - HOUR_MS, code: 'unauthorized', text: 'the API key is not accepted' }
    const findings = findingsOf(
      facts({
        quarantine: { open: 1, oldestAgeMs: 1 },
        reconciliation: [{ ...workspace, failing: failingSince }],
      }),
    )
    expect(findings.map(({ kind }) => kind)).toEqual(['quarantine', 'reconciliation_failing'])
  })
})

test.each([
  ['all are dead letters', { dead: 3 }, 'Then replay them.'],
  ['none is a dead letter', { pending: 3 }, 'Then they go out by themselves.'],
  ['some wait', { dead: 1, pending: 2 }, 'Then replay the dead letters; the rest goes out by itself.'],
])('where %s, the advice on revocations says what that needs', (_case, counts, advice) => {
  const [finding] = findingsOf(facts({ hooks: [hook(counts)], revocations: [lateRevocations] }))
  expect(finding?.do).toBe(
    `Start the receiver, or correct the port in its url. ${advice} Until then, secure by hand what must not wait.`,
  )
})

test.each(['gone', 'http_status', 'too_old'])(
  'what was given up with the code %s is to be replayed, which is said once',
  (code) => {
    const failures = [{ ...failing, code, pending: 0, dead: 1 }]
    const [finding] = findingsOf(facts({ hooks: [hook({ dead: 1 })], failures }))
    expect(finding?.do.match(/replay/g)).toEqual(['replay'])
  },
)

test('refusals are counted as they are told: of a sender that also sends verified webhooks, if there are any', () => {
  const refusals = { mismatches: 15, fromKnownSenders: 14, since: NOW - 10 * MINUTE_MS }
  expect(findingsOf(facts({ refusals }))).toMatchObject([{ count: 14 }])
  expect(findingsOf(facts({ refusals: { ...refusals, fromKnownSenders: 0 } }))).toMatchObject([{ count: 15 }])
})

test('a count that could only be taken in part says so', () => {
  const [finding] = findingsOf(
    facts({ revocations: [{ ...lateRevocations, count: 5000, isComplete: false }] }),
  )
  expect(finding).toMatchObject({ is_exact: false })
  expect(finding?.text).toMatch(/^at least 5,000 revocations have/)
})

test('where none was met and not all could be looked at, it says that there may be some', () => {
  const [finding] = findingsOf(facts({ revocations: [{ ...lateRevocations, count: 0, isComplete: false }] }))
  expect(finding).toMatchObject({ kind: 'undelivered_revocations', count: 0, is_exact: false })
  expect(finding?.text).toBe(
    'So much waits for access-log since 02:10 UTC (nothing listens at its address) that not all of it could be looked at: revocations may be among it.',
  )
})

test('a revocation that was not tried, because others to the hook fail, says why those do', () => {
  const [finding] = findingsOf(
    facts({ revocations: [{ ...lateRevocations, code: null }], failures: [failing] }),
  )
  expect(finding).toMatchObject({ code: 'connection_refused' })
  expect(finding?.text).toContain('since 02:10 UTC (nothing listens at its address)')
  const [alone] = findingsOf(facts({ revocations: [{ ...lateRevocations, code: null }] }))
  expect(alone?.text).toContain('(it waits its turn)')
})

test('one or two wrong signatures from the sender are worth a look, and three are to be acted on', () => {
  const severities = [1, 2, 3].map(
    (fromKnownSenders) =>
      findingsOf(facts({ refusals: { mismatches: 3, fromKnownSenders, since: NOW } }))[0]?.severity,
  )
  expect(severities).toEqual(['attention', 'attention', 'act'])
})
