import { describe, expect, test } from 'vitest'
import { compare } from './compare.ts'
import { arrival, ledgersOfOneEvent, life, sent } from './ledgers-of-one-event.ts'
import type { SpoilableLedgers } from './ledgers-of-one-event.ts'

function faultsAfter(spoil: (ledgers: SpoilableLedgers) => void): string[] {
  const ledgers = ledgersOfOneEvent()
  spoil(ledgers)
  return compare(ledgers).faults
}

test('ledgers that agree have no fault', () => {
  expect(compare(ledgersOfOneEvent())).toMatchObject({
    faults: [],
    figures: { sent: 1, accepted: 1, arrivals: 1 },
  })
})

describe('a fault is found', () => {
  test.each<[string, (ledgers: SpoilableLedgers) => void, RegExp]>([
    [
      'accepted and not stored',
      ({ stored }) => void Object.assign(stored, { ids: [], events: [], deliveries: [], attempts: [] }),
      /answered 2xx and not stored: e1/,
    ],
    ['stored and never sent', ({ sent }) => sent.pop(), /never sent as an event: e1/],
    [
      'two rows',
      ({ stored }) => stored.ids.push({ seq: 2, key: 'e1', duplicates: 0 }),
      /2 rows in event_ids/,
    ],
    ['accepted twice', (all) => all.sent.push(sent('e1', { kind: 'resend' })), /accepted 2 times: e1/],
    [
      'other content stored',
      ({ stored }) => void (stored.events[0].bodyHash = 'x'),
      /other content is stored/,
    ],
    ['no delivery', ({ stored }) => stored.deliveries.pop(), /accepted without a delivery for plain/],
    [
      'a delivery too many',
      ({ stored }) =>
        stored.deliveries.push({ seq: 1, hook: 'coming', state: 'delivered', attempts: 1, replays: 0 }),
      /a delivery that coming did not ask for/,
    ],
    [
      'a forgery accepted',
      (all) => {
        all.sent.push(sent('f', { kind: 'forgery' }))
      },
      /a forgery was answered 202 accepted/,
    ],
    [
      'an event refused for good',
      ({ sent }) =>
        sent[0].tries.unshift({ sentAt: 1, endedAt: 2, answer: { status: 400, said: 'x' }, hooks: null }),
      /a new was refused with 400/,
    ],
    [
      'an event that was never taken',
      ({ sent }) => {
        sent[0].tries[0].answer = { status: 503, said: 'unavailable' }
      },
      /not taken, though everything worked again: e1, last answered 503 unavailable/,
    ],
    [
      'a quarantined body that is gone',
      (all) => {
        const answer = { status: 202, said: 'quarantined', quarantineId: 'q' }
        all.sent.push(sent('m', { kind: 'misfit', tries: [{ sentAt: 1, endedAt: 2, answer, hooks: null }] }))
      },
      /not in quarantine: q/,
    ],
    [
      'a foreign body in quarantine',
      ({ stored }) => stored.quarantine.push({ id: 'q', bodyHash: 'x' }),
      /in quarantine, but never sent/,
    ],
    [
      'delivered, and never received',
      ({ arrivals }) => arrivals.pop(),
      /1 successes recorded and 0 answered/,
    ],
    [
      'received, and not stored',
      ({ arrivals }) => arrivals.push(arrival('x')),
      /delivered, and not stored: plain x/,
    ],
    [
      'received by another hook',
      ({ arrivals }) => arrivals.push(arrival('e1', { hook: 'picky' })),
      /a hook that it was not for/,
    ],
    ['received with other bytes', ({ arrivals }) => void (arrivals[0].bodyHash = 'x'), /other bytes/],
    [
      'received with a wrong signature',
      ({ arrivals }) => void (arrivals[0].isSigned = false),
      /a wrong signature/,
    ],
    [
      'dead without a reason',
      ({ stored }) => void (stored.deliveries[0].state = 'dead'),
      /dead, against the rules/,
    ],
    [
      'pending for ever',
      ({ stored }) => void (stored.deliveries[0].state = 'pending'),
      /still pending at the end/,
    ],
    [
      'overdue',
      (all) => {
        all.stored.deliveries[0].state = 'pending'
        Object.assign(all, { leftover: [{ seq: 1, hook: 'plain', state: 'pending', dueInMs: -9000 }] })
      },
      /pending and overdue for 9000 ms/,
    ],
    [
      'twice',
      ({ arrivals }) => arrivals.push(arrival('e1', { arrivedAt: 3000, answeredAt: 3001 })),
      /came again 1975 ms after 204/,
    ],
    [
      'received while paused',
      ({ arrivals, disturbances }) => {
        disturbances.holds.push({ hook: 'plain', from: 1000, to: 20_000 })
        arrivals[0].arrivedAt = 12_000
        arrivals[0].answeredAt = 12_001
      },
      /plain was paused for 11000 ms and got e1/,
    ],
    [
      'a process that ended by itself',
      ({ disturbances }) => disturbances.lives.push(life('1.2', { end: 'by itself', exitCode: 1 })),
      /process 1.2: ended by itself with 1/,
    ],
    [
      'a stop that took too long',
      ({ disturbances }) => disturbances.lives.push(life('1.2', { toldToStopAt: 80_000 })),
      /process 1.2: a graceful stop took 20000 ms/,
    ],
  ])('%s', (_, spoil, fault) => {
    expect(faultsAfter(spoil)).toEqual(expect.arrayContaining([expect.stringMatching(fault)]))
  })
})

describe('what came twice is no fault', () => {
  const again = (ledgers: SpoilableLedgers) =>
    ledgers.arrivals.push(arrival('e1', { arrivedAt: 30_000, answeredAt: 30_001 }))

  test.each<[string, Partial<ReturnType<typeof life>>]>([
    ['its process was killed while it was under way', { end: 'killed', endedAt: 1022, exitCode: null }],
    [
      'its process was killed before the outcome can have been written',
      { end: 'killed', endedAt: 1100, exitCode: null },
    ],
    ['its process was paused meanwhile', { pauses: [{ from: 1010, to: 1500 }] }],
  ])('if %s', (_, fields) => {
    const spoil = (ledgers: SpoilableLedgers) => {
      again(ledgers)
      ledgers.disturbances.lives[0] = life('1.1', fields)
    }
    expect(faultsAfter(spoil)).toEqual([])
  })

  test.each([
    ['for so long that another took over, before it had written the outcome', 30_000, 0],
    ['too briefly for that', 1500, 2],
    ['long after it had written the outcome', NaN, 2],
  ])('if its process was paused %s', (_, to, faults) => {
    const spoil = (ledgers: SpoilableLedgers) => {
      const { arrivals, stored, disturbances } = ledgers
      arrivals.push(arrival('e1', { process: '2.1', arrivedAt: 25_000, answeredAt: 25_001 }))
      // Both outcomes are in the history: the paused process writes its own once it goes on.
      stored.attempts.push({
        seq: 1,
        hook: 'plain',
        attempt: 2,
        status: 204,
        errorCode: null,
        leaseToken: 1,
        startedAt: 0,
      })
      const pause = Number.isNaN(to) ? { from: 9000, to: 30_000 } : { from: 1030, to }
      disturbances.lives = [life('1.1', { pauses: [pause] }), life('2.1', { replica: 2 })]
    }
    expect(faultsAfter(spoil)).toHaveLength(faults)
  })

  test('but it is one if the process was killed long after', () => {
    const spoil = (ledgers: SpoilableLedgers) => {
      again(ledgers)
      ledgers.disturbances.lives[0] = life('1.1', { end: 'killed', endedAt: 20_000, exitCode: null })
    }
    expect(faultsAfter(spoil)).toHaveLength(1)
  })

  test('if a person had it sent again, as often as that', () => {
    const replayed = (times: number) => (ledgers: SpoilableLedgers) => {
      again(ledgers)
      ledgers.arrivals.push(arrival('e1', { arrivedAt: 40_000, answeredAt: 40_001, status: 500 }))
      ledgers.arrivals.push(arrival('e1', { arrivedAt: 50_000, answeredAt: 50_001 }))
      ledgers.stored.deliveries[0].replays = times
    }
    expect(faultsAfter(replayed(2))).toEqual([])
    expect(faultsAfter(replayed(1))).toEqual([
      expect.stringMatching(/^came again/),
      expect.stringMatching(/^came again/),
    ])
  })

  test('and a store that is away is no excuse by itself', () => {
    const spoil = (ledgers: SpoilableLedgers) => {
      again(ledgers)
      ledgers.disturbances.outages.push({ from: 1010, to: 2000 })
    }
    expect(faultsAfter(spoil)).toHaveLength(1)
  })
})

describe('at the ordered hook', () => {
  /** Two events of one credential, the second sent when the first had been answered. */
  function ofOneCredential(
    first: Parameters<typeof arrival>[1],
    second: Parameters<typeof arrival>[1],
    replays = 0,
  ): string[] {
    const ledgers = ledgersOfOneEvent()
    ledgers.sent.push(
      sent('e2', {
        tries: [{ sentAt: 1015, endedAt: 1018, answer: { status: 202, said: 'accepted' }, hooks: ['plain'] }],
      }),
    )
    const { stored } = ledgers
    stored.ids.push({ seq: 2, key: 'e2', duplicates: 0 })
    stored.events.push({ seq: 2, key: 'e2', bodyHash: 'e2' })
    for (const rows of [stored.deliveries, stored.attempts]) rows.splice(0)
    for (const seq of [1, 2]) {
      for (const hook of ['plain', 'ordered'])
        stored.deliveries.push({ seq, hook, state: 'delivered', attempts: 1, replays })
    }
    for (const { tries } of ledgers.sent) tries[0].hooks = ['plain', 'ordered']
    ledgers.arrivals.push(arrival('e2'), arrival('e1', { hook: 'ordered', ...first }))
    ledgers.arrivals.push(arrival('e2', { hook: 'ordered', ...second }))
    return compare(ledgers).faults
  }

  test('one after the other is in order', () => {
    expect(ofOneCredential({}, { arrivedAt: 1030, answeredAt: 1031 })).toEqual([])
  })

  test('two at once overlap', () => {
    const faults = ofOneCredential({ answeredAt: 1040 }, { arrivedAt: 1030, answeredAt: 1031 })
    expect(faults).toContain('credential c1: e2 arrived while e1 was under way')
  })

  test('two at once overlap also where they were replayed', () => {
    const faults = ofOneCredential({ answeredAt: 1040 }, { arrivedAt: 1030, answeredAt: 1031 }, 1)
    expect(faults).toContain('credential c1: e2 arrived while e1 was under way')
  })

  test('the later before the earlier has changed places', () => {
    const faults = ofOneCredential({ arrivedAt: 1030, answeredAt: 1031 }, {})
    expect(faults).toContain('credential c1: e2 came before e1, which had been accepted earlier')
  })

  test('the later before the earlier has succeeded has not waited', () => {
    const faults = ofOneCredential({ status: 500 }, { arrivedAt: 1030, answeredAt: 1031 })
    expect(faults).toContain('credential c1: e2 came before e1 was settled')
  })
})
