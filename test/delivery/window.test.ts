import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteBudget } from '../../src/delivery/byte-budget.ts'
import { Window } from '../../src/delivery/window.ts'
import type { Lease, Ticket, WindowLimits } from '../../src/delivery/window.ts'
import { LIMITS, NOW, WindowModel, delivery } from './window-model.ts'

describe('a reservation for an acceptance', () => {
  test('is given once a claim has found nothing more', () => {
    const window = openWindow()
    expect(window.reserve(10, NOW)).toBeNull()
    catchUp(window)
    expect(window.reserve(10, NOW)).not.toBeNull()
  })

  test('is not given after a claim that got all that it asked for: more may be due', () => {
    const window = openWindow()
    redeemClaim(window, 2)
    expect(window.reserve(10, NOW)).toBeNull()
  })

  test('is given beyond what may be sent at one time, up to the limit of leased deliveries', () => {
    const window = caughtUp()
    const tickets = Array.from({ length: 7 }, () => window.reserve(10, NOW))
    expect(tickets.map((ticket) => ticket !== null)).toEqual([...Array<boolean>(6).fill(true), false])
  })

  test('is not given after something has become due without one, until a claim has caught up', () => {
    const window = caughtUp()
    window.becameDue()
    expect(window.reserve(10, NOW)).toBeNull()
    catchUp(window)
    expect(window.reserve(10, NOW)).not.toBeNull()
  })

  test('is not given after a claim that cannot have seen what became due while it was under way', () => {
    const window = openWindow()
    const ticket = window.reserveClaim(2, 0, NOW) as Ticket
    window.becameDue()
    window.claimWasShort(ticket)
    window.redeem(ticket, [])
    expect(window.isCaughtUp).toBe(false)
  })

  test('is not given for more bytes than there is room for, unless nothing else is there', () => {
    const window = caughtUp()
    window.redeem(window.reserve(5000, NOW) as Ticket, [])
    window.reserve(600, NOW)
    expect(window.reserve(600, NOW)).toBeNull()
    expect(window.reserve(400, NOW)).not.toBeNull()
  })

  test('is not given when the windows of other hooks have used up the bytes of all', () => {
    const budget = new ByteBudget(1000)
    const [one, other] = [caughtUp(budget), caughtUp(budget)]
    one.reserve(700, NOW)
    other.reserve(200, NOW)
    expect(other.reserve(200, NOW)).toBeNull()
    expect(budget.freeBytes).toBe(100)
  })

  test('is not given under settings that have just changed, before a claim under them', () => {
    const window = caughtUp()
    window.changeSettings(LIMITS)
    expect(window.reserve(10, NOW)).toBeNull()
  })
})

describe('a claim', () => {
  test('asks for as much as may begin, less what is reserved or waits already', () => {
    const window = openWindow({ sending: 4, deliveries: 12, unended: 12, bytes: 1000 })
    redeemClaim(window, 1, 1)
    expect(window.reserveClaim(4, 0, NOW)).toMatchObject({ deliveries: 3 })
    expect(window.reserveClaim(4, 0, NOW)).toBeNull()
  })

  test('leaves half of the room to acceptances while nothing else is due', () => {
    const window = caughtUp(undefined, { sending: 8, deliveries: 24, unended: 24, bytes: 1000 })
    expect(window.reserveClaim(8, 1, NOW)).toMatchObject({ deliveries: 4, bytes: 500 })
  })

  test('asks for one even if nothing may begin, so that acceptances do not for ever go before a retry', () => {
    const window = caughtUp()
    expect(window.reserveClaim(0, 1, NOW)).toMatchObject({ deliveries: 1 })
  })

  test('that would find no room is not made, and then it is not known whether anything is due', () => {
    const window = caughtUp()
    for (let n = 0; n < 6; n++) window.reserve(10, NOW)
    expect(window.reserveClaim(2, 1, NOW)).toBeNull()
    expect(window.isCaughtUp).toBe(false)
  })

  test('under changed settings gives back what it brings, and says nothing of what is due', () => {
    const window = openWindow()
    const ticket = window.reserveClaim(2, 0, NOW) as Ticket
    window.changeSettings(LIMITS)
    window.claimWasShort(ticket)
    expect(window.redeem(ticket, [delivery(1)]).map(({ state }) => state)).toEqual(['settling'])
    expect({ isCaughtUp: window.isCaughtUp, begun: window.begin() }).toEqual({
      isCaughtUp: false,
      begun: null,
    })
  })
})

test('leases begin in their order, never more at one time than may be under way', () => {
  const window = openWindow()
  redeemClaim(window, 3, 3)
  const first = window.begin() as Lease
  expect([first.delivery.eventSeq, window.begin()?.delivery.eventSeq, window.begin()]).toEqual([1, 2, null])
  window.end(first)
  expect(window.begin()?.delivery.eventSeq).toBe(3)
})

test('an outcome keeps its room until the store has answered', () => {
  const window = openWindow({ sending: 2, deliveries: 2, unended: 2, bytes: 1000 })
  redeemClaim(window, 2, 2)
  const leases = [window.begin(), window.begin()] as Lease[]
  for (const lease of leases) window.end(lease)
  expect(window.hasRoom(2)).toBe(false)
  window.settled(leases[0] as Lease)
  expect(window.hasRoom(2)).toBe(true)
})

test('leases that waited under older settings are given back, and attempts under them count towards the new limits', () => {
  const window = openWindow()
  redeemClaim(window, 2, 2)
  window.begin()
  expect(window.changeSettings({ ...LIMITS, sending: 1 })).toHaveLength(1)
  redeemClaim(window, 1, 1, 10)
  expect(window.begin()).toBeNull()
})

test('a delivery that the store leases here again is not sent again, and is settled under the new lease', () => {
  const window = openWindow()
  redeemClaim(window, 1, 1)
  const lease = window.begin() as Lease
  window.end(lease)
  const ticket = window.reserveClaim(2, 0, NOW + 50_000) as Ticket
  window.redeem(ticket, [{ ...delivery(1), leaseToken: 2 }])
  expect({ token: lease.delivery.leaseToken, begun: window.begin() }).toEqual({ token: 2, begun: null })
  window.settled(lease)
  expect(window.isEmpty).toBe(true)
})

const index = fc.nat(20)
/** Changes of settings are rare, so that a window gets the time to fill in between. */
const steps = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constant('accept' as const), bytes: fc.integer({ min: 1, max: 250 }) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('commit' as const), which: index, stored: fc.constant(true) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('commit' as const), which: index, stored: fc.constant(false) }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('claim' as const) }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('answer' as const), upTo: fc.nat(4) }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('begin' as const) }) },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('end' as const), which: index, delivered: fc.boolean() }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), which: index }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('runOut' as const), which: index }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('reload' as const), sending: fc.integer({ min: 1, max: 4 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('giveBack' as const) }) },
  ),
  { minLength: 40, maxLength: 200, size: 'max' },
)

test('whatever happens in any order, no limit is passed, nothing is forgotten, nothing is sent twice', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const model = new WindowModel()
      for (const step of list) model.take(step)
      expect(model.finish()).toEqual({ undelivered: 0, leases: 0, bytes: 0 })
    }),
    { numRuns: 500 },
  )
})

function openWindow(limits = LIMITS, budget = new ByteBudget(1_000_000)): Window {
  const window = new Window(budget)
  window.changeSettings(limits)
  return window
}

function caughtUp(budget?: ByteBudget, limits?: WindowLimits): Window {
  const window = openWindow(limits, budget)
  catchUp(window)
  return window
}

function catchUp(window: Window): void {
  const ticket = window.reserveClaim(1, 1, NOW) as Ticket
  window.claimWasShort(ticket)
  window.redeem(ticket, [])
}

/** Claims and gets so many deliveries, numbered from 1 on unless told. */
function redeemClaim(window: Window, startable: number, given = startable, from = 1): void {
  const ticket = window.reserveClaim(startable, 1, NOW) as Ticket
  window.redeem(
    ticket,
    Array.from({ length: given }, (_, n) => delivery(from + n)),
  )
}

test('a window without room to wait takes only what may begin, and outcomes that are being written are no part of that', () => {
  const window = openWindow({ sending: 2, deliveries: 6, unended: 2, bytes: 1000 })
  redeemClaim(window, 2, 2)
  const first = window.begin() as Lease
  window.begin()
  expect(window.reserveClaim(2, 1, NOW)).toBeNull()
  window.end(first)
  expect(window.reserveClaim(1, 1, NOW)).toMatchObject({ deliveries: 1 })
})
