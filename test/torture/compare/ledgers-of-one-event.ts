import type { Arrival, Disturbances, Ledgers, Life, Sent, Stored, Try } from '../ledgers.ts'

type Some<T> = [T, ...T[]]

export interface SpoilableLedgers extends Ledgers {
  sent: Some<Sent & { tries: Some<Try> }>
  arrivals: Some<Arrival>
  stored: {
    [Table in keyof Stored]: Table extends 'quarantine' ? Stored[Table] : Some<Stored[Table][number]>
  }
  disturbances: Disturbances & { lives: Some<Life> }
}

/** Ledgers of a run without any fault: one event, accepted by process 1.1 and delivered to `plain`. For tests to spoil. */
export function ledgersOfOneEvent(): SpoilableLedgers {
  return {
    sent: [sent('e1')],
    arrivals: [arrival('e1')],
    leftover: [],
    stored: {
      ids: [{ seq: 1, key: 'e1', duplicates: 0 }],
      events: [{ seq: 1, key: 'e1', bodyHash: 'e1' }],
      deliveries: [{ seq: 1, hook: 'plain', state: 'delivered', attempts: 1, replays: 0 }],
      attempts: [
        { seq: 1, hook: 'plain', attempt: 1, status: 204, errorCode: null, leaseToken: 1, startedAt: 0 },
      ],
      quarantine: [],
    },
    disturbances: { lives: [life('1.1')], outages: [], mistakes: [], holds: [] },
  }
}

export function sent(
  key: string,
  fields: Partial<Sent & { tries: Some<Try> }> = {},
): Sent & { tries: Some<Try> } {
  return {
    kind: 'new',
    key,
    messageId: `msg_${key}`,
    eventType: 'acs_credential.issued',
    credential: 'c1',
    bodyHash: key,
    tries: [{ sentAt: 1000, endedAt: 1010, answer: { status: 202, said: 'accepted' }, hooks: ['plain'] }],
    ...fields,
  }
}

export function arrival(key: string, fields: Partial<Arrival> = {}): Arrival {
  return {
    hook: 'plain',
    key,
    process: '1.1',
    bodyHash: key,
    isSigned: true,
    credential: 'c1',
    arrivedAt: 1020,
    answeredAt: 1025,
    brokeAt: null,
    status: 204,
    ...fields,
  }
}

export function life(process: string, fields: Partial<Life> = {}): Life {
  return {
    process,
    replica: 1,
    startedAt: 0,
    listeningAt: 500,
    endedAt: 100_000,
    end: 'stopped',
    exitCode: 0,
    signal: null,
    toldToStopAt: 99_900,
    pauses: [],
    fatal: [],
    ...fields,
  }
}
