import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { SAMPLE_EVENT_ID } from '../../src/events/event.ts'
import { dedupKey } from '../../src/events/dedup-key.ts'
import { LOOKED_AT } from '../../src/store/bounded-page.ts'
import type { ListEvents, Page, PageRequest } from '../../src/store/listings.ts'
import type { AcceptRequest } from '../../src/store/store.ts'
import { credentialEvent, documentedEvents } from '../support/credential-event.ts'
import { newMessageId } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'
import {
  LONG_MS,
  acceptEach,
  acceptance,
  aLaterTime,
  beginReplay,
  changedContent,
  claim,
  claimOne,
  judged,
  settleOne,
  wanting,
} from './asking.ts'
import type { ReadableStore } from './asking.ts'

export function describeListings(name: string, open: () => Promise<ReadableStore>): void {
  describe(`${name}: listEvents`, () => {
    test('gives the newest first, a page after the other, nothing twice and nothing left out while events arrive', async () => {
      const store = await open()
      const requests = await acceptEach(
        store,
        Array.from({ length: 10 }, () => acceptance()),
      )
      const ids: string[] = []
      let after: string | null | undefined
      while (after !== null) {
        const page: Page<{ eventId: string }> = await store.reader.listEvents(pageOf(3, after))
        ids.push(...page.items.map(({ eventId }) => eventId))
        expect(page.searchedBackTo).toBeNull()
        after = page.next
        await store.accept(acceptance())
      }
      expect(ids).toEqual(requests.map(({ webhookId }) => webhookId).toReversed())
    })

    test('tells all of an event but its body, with what became of each delivery', async () => {
      const store = await open()
      const before = Date.now()
      const request = acceptance({ hooks: ['b', 'a', 'c'] })
      await store.accept({ ...request, source: 'reconciliation' })
      await store.accept(request)
      const failed = { durationMs: 7, status: null, errorCode: 'timeout', answer: null }
      const first = await claimOne(store, 'a')
      const later = { state: 'pending', delayMs: LONG_MS, failures: 1 } as const
      await store.settle([{ ...first, record: failed, next: later }])
      await settleOne(store, await claimOne(store, 'b'), { state: 'delivered' })
      const { items, next } = await store.reader.listEvents({ limit: 1 })
      const { event, messageId, webhookId } = request
      expect(next).toBeNull()
      expect(items).toEqual([
        {
          eventSeq: first.eventSeq,
          eventId: event.eventId,
          webhookId,
          messageId,
          eventType: 'acs_credential.issued',
          workspaceId: event.workspaceId,
          credentialId: event.credentialId,
          systemId: event.systemId,
          accountId: event.accountId,
          occurredAt: event.occurredAt,
          acceptedAt: expect.any(Number),
          isSample: false,
          source: 'reconciliation',
          duplicates: 1,
          deliveries: [
            {
              hook: 'a',
              state: 'pending',
              attempts: 1,
              settledAt: null,
              dueAt: expect.any(Number),
              code: 'timeout',
            },
            {
              hook: 'b',
              state: 'delivered',
              attempts: 1,
              settledAt: expect.any(Number),
              dueAt: null,
              code: null,
            },
            {
              hook: 'c',
              state: 'pending',
              attempts: 0,
              settledAt: null,
              dueAt: expect.any(Number),
              code: null,
            },
          ],
        },
      ])
      expect(items[0]?.acceptedAt).toBeGreaterThanOrEqual(before - 1)
      expect(items[0]?.deliveries[0]?.dueAt).toBeGreaterThan(before + LONG_MS - 1000)
    })

    test('tells no time at which a delivery is due that an earlier one of its credential blocks', async () => {
      const store = await open()
      const credential = randomUUID()
      await acceptEach(store, [
        about({ acs_credential_id: credential }),
        about({ acs_credential_id: credential }),
      ])
      await store.claim([wanting('a', { ordered: true })])
      const { items } = await store.reader.listEvents({ limit: 2 })
      expect(items.map(({ deliveries }) => deliveries[0])).toMatchObject([
        { state: 'pending', dueAt: null },
        { state: 'leased', dueAt: null },
      ])
    })

    test('narrows by type, family, credential, workspace and time, in pages of any size', async () => {
      const store = await open()
      const [workspace, other] = [randomUUID(), randomUUID()]
      const credential = randomUUID()
      const kinds = [
        { event_type: 'acs_credential.deleted', workspace_id: workspace },
        { event_type: 'acs_credential.issued', workspace_id: other, acs_credential_id: credential },
        { event_type: 'device.connected', workspace_id: workspace },
        { event_type: 'acs_credential.deleted', workspace_id: other, acs_credential_id: credential },
      ]
      const requests = await acceptEach(
        store,
        [...kinds, ...kinds].map((one) => about(one)),
      )
      const since = await aLaterTime()
      requests.push(
        ...(await acceptEach(
          store,
          [...kinds, ...kinds].map((one) => about(one)),
        )),
      )
      const end = await aLaterTime()
      requests.push(
        ...(await acceptEach(
          store,
          kinds.map((one) => about(one)),
        )),
      )
      const inSpan = requests.slice(8, 16)
      const cases: [Omit<ListEvents, 'limit'>, AcceptRequest[]][] = [
        [{ type: '*' }, requests],
        [
          { type: 'device.connected' },
          requests.filter(({ event }) => event.eventType === 'device.connected'),
        ],
        [{ type: 'acs_credential.*' }, requests.filter(({ event }) => event.eventType.startsWith('acs_'))],
        [{ type: 'acs_cred.*' }, []],
        [{ type: 'device.connected\0' }, []],
        [
          { credentialId: credential.toUpperCase() },
          requests.filter((one) => one.event.credentialId === credential),
        ],
        [{ workspaceId: workspace }, requests.filter(({ event }) => event.workspaceId === workspace)],
        [{ since, until: end }, inSpan],
        [{ until: since }, requests.slice(0, 8)],
        [{ since: end }, requests.slice(16)],
        [{ since: end + LONG_MS }, []],
        [{ until: since - LONG_MS }, []],
        [
          { since, until: end, workspaceId: other, type: 'acs_credential.deleted', credentialId: credential },
          inSpan.filter(
            ({ event }) => event.workspaceId === other && event.eventType === 'acs_credential.deleted',
          ),
        ],
      ]
      for (const [filter, expected] of cases) {
        const ids = expected.map(({ webhookId }) => webhookId).toReversed()
        for (const limit of [1, 3, 500]) {
          const items = await all(limit, (page) => store.reader.listEvents({ ...filter, ...page }))
          expect([filter, limit, items.map(({ eventId }) => eventId)]).toEqual([filter, limit, ids])
        }
      }
    })

    test('looks at a bounded number where no index helps, says how far back it has looked, and goes on from there', async () => {
      const store = await open()
      const rare = about({ event_type: 'device.connected' })
      await store.accept(rare)
      await acceptMany(store, LOOKED_AT + 10, [])
      const first = await store.reader.listEvents({ type: 'device.*', limit: 10 })
      expect(first).toEqual({ items: [], next: expect.any(String), searchedBackTo: expect.any(Number) })
      const second = await store.reader.listEvents({
        type: 'device.*',
        limit: 10,
        after: first.next as string,
      })
      expect(second).toMatchObject({ items: [{ eventId: rare.webhookId }], next: null, searchedBackTo: null })
    })
  })

  describe(`${name}: findEvent`, () => {
    test('finds an event by its id in either case, with its body, its deliveries and their attempts', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      await store.accept(acceptance({ hooks: ['b'] }))
      const record = { durationMs: 7, status: 500, errorCode: 'http_status', answer: Buffer.from('why') }
      const delivery = await claimOne(store, 'a')
      await store.settle([{ ...delivery, record, next: { state: 'dead', failures: 1 } }])
      const found = await store.reader.findEvent(request.webhookId.toUpperCase())
      expect(found).toMatchObject({
        eventId: request.webhookId,
        body: request.event.body,
        duplicates: 0,
        deliveries: [
          {
            hook: 'a',
            state: 'dead',
            attempts: 1,
            code: 'http_status',
            settledAt: expect.any(Number),
            dueAt: null,
          },
        ],
      })
      // What it says of deliveries is what deliveriesOf says, and more.
      const [history] = await store.reader.deliveriesOf(request.webhookId)
      expect(found?.deliveries[0]).toMatchObject(history as object)
      expect(found?.deliveries[0]?.records[0]?.answer).toEqual(new Uint8Array(Buffer.from('why')))
    })

    test('finds nothing under an id that is not known, whatever it holds', async () => {
      const store = await open()
      await store.accept(acceptance())
      for (const id of ['', 'unknown', randomUUID(), 'a\0b', '%', "'", '\ud800']) {
        expect(await store.reader.findEvent(id)).toBeNull()
      }
    })

    test('finds a sample by its message id, and the newest sample by the id that all of them share', async () => {
      const store = await open()
      const samples = [newMessageId(), randomUUID(), 'sample:x', 'A'].map((messageId) => sample(messageId))
      await acceptEach(store, samples)
      await store.accept(acceptance())
      for (const { webhookId, messageId } of samples) {
        expect(await store.reader.findEvent(webhookId)).toMatchObject({ isSample: true, messageId })
      }
      expect(await store.reader.findEvent(SAMPLE_EVENT_ID)).toMatchObject({ webhookId: 'A' })
    })

    test('finds an event under its id and not a sample whose message took the same', async () => {
      const store = await open()
      const request = acceptance()
      await acceptEach(store, [request, sample(request.webhookId)])
      expect(await store.reader.findEvent(request.webhookId)).toMatchObject({ isSample: false })
    })
  })

  describe(`${name}: storyOf`, () => {
    test('gives the newest events of a credential as they occurred, fractions of any length compared as times', async () => {
      const store = await open()
      const credential = randomUUID()
      const at = (time: string) =>
        about({ acs_credential_id: credential, occurred_at: `2026-03-01T${time}Z` })
      const [e, a, d, b, c, f] = [
        '10:00:00.5',
        '09:59:59.999999999',
        '10:00:00.123456',
        '10:00:00',
        '10:00:00.000',
        '10:00:01',
      ].map(at) as [AcceptRequest, AcceptRequest, AcceptRequest, AcceptRequest, AcceptRequest, AcceptRequest]
      await acceptEach(store, [e, a, d, b, c, f])
      await store.accept(acceptance())
      const story = await store.reader.storyOf(credential.toUpperCase(), 10)
      const ids = [a, b, c, d, e, f].map(({ webhookId }) => webhookId)
      expect(story.map(({ eventId }) => eventId)).toEqual(ids)
      expect(story.map(({ body }) => JSON.parse(body).acs_credential_id)).toEqual(ids.map(() => credential))
      // The oldest by acceptance is left out, whenever it occurred.
      const shorter = await store.reader.storyOf(credential, 5)
      expect(shorter.map(({ eventId }) => eventId)).toEqual(ids.filter((id) => id !== e.webhookId))
      expect(await store.reader.storyOf('nobody\0', 5)).toEqual([])
    })
  })

  describe(`${name}: search`, () => {
    test('says what an id belongs to, in either case', async () => {
      const store = await open()
      const [credential, workspace, system, account] = Array.from({ length: 4 }, () => randomUUID()) as [
        string,
        string,
        string,
        string,
      ]
      const request = about({
        acs_credential_id: credential,
        workspace_id: workspace,
        acs_system_id: system,
        connected_account_id: account,
      })
      await store.accept(request)
      await store.accept(about({ acs_credential_id: credential }))
      const conflict = await store.accept(changedContent(request))
      if (conflict.outcome !== 'conflict') throw new Error('the content was the same')
      const { id: replay } = await beginReplay(store, {})
      const event = {
        kind: 'event',
        id: request.webhookId,
        eventType: 'acs_credential.issued',
        acceptedAt: expect.any(Number),
      }
      const { quarantineId } = conflict
      const cases: [string, unknown][] = [
        [request.webhookId, event],
        [credential, { kind: 'credential', id: credential, events: 2 }],
        [workspace, { kind: 'workspace', id: workspace }],
        [system, { kind: 'system', id: system }],
        [account, { kind: 'account', id: account }],
        [quarantineId, { kind: 'quarantine', id: quarantineId, receivedAt: expect.any(Number) }],
        [replay, { kind: 'replay', id: replay }],
      ]
      for (const [id, hit] of cases) {
        expect(await store.reader.search(id)).toEqual([hit])
        expect(await store.reader.search(id.toUpperCase())).toEqual([hit])
      }
      expect(await store.reader.search(request.messageId)).toEqual([event])
    })

    test('finds nothing in bodies, nor under what is not known', async () => {
      const store = await open()
      await store.accept(about({ code: '493827' }))
      for (const id of ['', '493827', randomUUID(), 'a\0b', '%', '2026-03-01T10:00:00.000Z']) {
        expect(await store.reader.search(id)).toEqual([])
      }
    })

    test('names an id of several kinds by each, and a sample by its message', async () => {
      const store = await open()
      const id = randomUUID()
      await store.accept(about({ event_id: id, acs_credential_id: id, workspace_id: id }))
      expect((await store.reader.search(id)).map(({ kind }) => kind)).toEqual([
        'event',
        'credential',
        'workspace',
      ])
      await store.accept(sample('msg_Sample'))
      expect(await store.reader.search('msg_Sample')).toMatchObject([{ kind: 'event', id: 'msg_Sample' }])
      // The documentation's sample has the same id everywhere.
      const hits = await store.reader.search(SAMPLE_EVENT_ID)
      expect(hits[0]).toMatchObject({ kind: 'event', id: 'msg_Sample' })
    })
  })

  describe(`${name}: listDeliveries`, () => {
    test('gives those of a state, a hook and a code, newest first, in pages of any size', async () => {
      const store = await open()
      const expected = await everyKindOfDelivery(store)
      for (const state of [undefined, 'pending', 'leased', 'delivered', 'dead'] as const) {
        for (const hook of [undefined, 'a', 'b-1', 'unknown']) {
          for (const code of [undefined, 'timeout', 'http_status', 'discarded', 'x\0']) {
            const filter = {
              ...(state === undefined ? {} : { state }),
              ...(hook === undefined ? {} : { hook }),
              ...(code === undefined ? {} : { code }),
            }
            const wanted = expected.filter(
              (one) =>
                (state === undefined || one.state === state) &&
                (hook === undefined || one.hook === hook) &&
                (code === undefined || one.code === code),
            )
            for (const limit of [2, 500]) {
              const items = await all(limit, (page) => store.reader.listDeliveries({ ...filter, ...page }))
              expect([filter, limit, items.map(brief)]).toEqual([filter, limit, wanted.map(brief)])
            }
          }
        }
      }
    })

    test('tells of each its event, what became of it and why', async () => {
      const store = await open()
      const request = acceptance({ hooks: ['a'] })
      await store.accept(request)
      const delivery = await claimOne(store, 'a')
      const record = { durationMs: 1, status: 410, errorCode: 'http_status', answer: null }
      await store.settle([{ ...delivery, record, next: { state: 'dead', failures: 1 } }])
      expect((await store.reader.listDeliveries({ limit: 1, state: 'dead' })).items).toEqual([
        {
          eventSeq: delivery.eventSeq,
          eventId: request.webhookId,
          webhookId: request.webhookId,
          eventType: 'acs_credential.issued',
          credentialId: request.event.credentialId,
          acceptedAt: expect.any(Number),
          hook: 'a',
          state: 'dead',
          attempts: 1,
          settledAt: expect.any(Number),
          dueAt: null,
          code: 'http_status',
        },
      ])
    })

    test('shows nothing twice and leaves nothing out while events arrive', async () => {
      const store = await open()
      const requests = await acceptEach(
        store,
        Array.from({ length: 7 }, () => acceptance({ hooks: ['a', 'b'] })),
      )
      for (const filter of [{}, { state: 'pending' }] as const) {
        const known = new Set(requests.map(({ webhookId }) => webhookId))
        const seen: string[] = []
        let after: string | null | undefined
        while (after !== null) {
          const page = await store.reader.listDeliveries({ ...filter, ...pageOf(3, after) })
          seen.push(...page.items.filter((one) => known.has(one.eventId)).map(brief))
          after = page.next
          await store.accept(acceptance({ hooks: ['a', 'b'] }))
        }
        expect(seen).toHaveLength(14)
        expect(new Set(seen).size).toBe(14)
      }
    })
  })

  describe(`${name}: failures`, () => {
    test('groups the dead that nobody has given up, and what is pending and has failed, by hook and code', async () => {
      const store = await open()
      expect(await store.reader.failures()).toEqual([])
      const before = Date.now() - 1
      await everyKindOfDelivery(store)
      const since = expect.any(Number)
      const groups = await store.reader.failures()
      expect(groups).toEqual([
        { hook: 'a', code: 'timeout', dead: 2, pending: 2, since, isComplete: true },
        { hook: 'a', code: 'http_status', dead: 1, pending: 0, since, isComplete: true },
        { hook: 'b-1', code: 'timeout', dead: 2, pending: 2, since, isComplete: true },
        { hook: 'b-1', code: 'http_status', dead: 1, pending: 0, since, isComplete: true },
      ])
      for (const group of groups) expect(group.since).toBeGreaterThanOrEqual(before)
    })

    test('says where there is more than it could look at', async () => {
      const store = await open()
      const count = 2100
      await acceptMany(store, count, ['a'])
      const record = { durationMs: 1, status: null, errorCode: 'timeout', answer: null }
      for (let left = count; left > 0; left -= 1000) {
        const some = await claim(store, ['a'])
        await store.settle(some.map((one) => ({ ...one, record, next: { state: 'dead', failures: 1 } })))
      }
      const [group, ...others] = await store.reader.failures()
      expect(group).toMatchObject({ hook: 'a', code: 'timeout', isComplete: false })
      expect(group?.dead).toBeLessThan(count)
      expect(others).toEqual([])
    })
  })

  describe(`${name}: undeliveredOf`, () => {
    const REVOCATIONS = ['acs_credential.deleted', 'acs_credential.invalidated']

    test('counts by hook the revocations that are dead, and those that wait for longer', async () => {
      const store = await open()
      expect(await store.reader.undeliveredOf(REVOCATIONS, 0)).toEqual([])
      const revoke = () => about({ event_type: 'acs_credential.deleted' }, ['a', 'b'])
      const since = await aLaterTime()
      await acceptEach(store, [revoke(), about({}, ['a', 'b']), revoke(), revoke(), about({}, ['c'])])
      const [first, , third] = await claim(store, ['a'])
      if (first === undefined || third === undefined) throw new Error('nothing was due')
      const record = { durationMs: 1, status: 503, errorCode: 'http_status', answer: null }
      await store.settle([
        { ...first, record, next: { state: 'dead', failures: 1 } },
        { ...third, record, next: { state: 'delivered' } },
      ])
      await aLaterTime()
      const any = expect.any(Number)
      const found = await store.reader.undeliveredOf(REVOCATIONS, 0)
      expect(found).toEqual([
        { hook: 'a', count: 2, dead: 1, since: any, code: 'http_status', isComplete: true },
        { hook: 'b', count: 3, dead: 0, since: any, code: null, isComplete: true },
      ])
      expect(found[0]?.since).toBeGreaterThanOrEqual(since)
      // What waits is too young; the dead one counts whatever its age.
      expect(await store.reader.undeliveredOf(REVOCATIONS, LONG_MS)).toEqual([
        { hook: 'a', count: 1, dead: 1, since: any, code: 'http_status', isComplete: true },
      ])
      expect(await store.reader.undeliveredOf(['device.connected'], 0)).toEqual([])
    })

    test('does not count what a person has given up', async () => {
      const store = await open()
      await store.accept(about({ event_type: 'acs_credential.deleted' }, ['gone']))
      await store.discard({ hook: 'gone', limit: 10 })
      expect(await store.reader.undeliveredOf(REVOCATIONS, 0)).toEqual([])
    })

    test('names a hook of which there are more than it could look at, also where it has met none', async () => {
      const store = await open()
      await acceptMany(store, 4001, ['a'])
      expect(await store.reader.undeliveredOf(REVOCATIONS, 0)).toEqual([
        { hook: 'a', count: 0, dead: 0, since: expect.any(Number), code: null, isComplete: false },
      ])
    })
  })

  describe(`${name}: quarantine`, () => {
    test('is listed newest first without bodies, and each found with its own', async () => {
      const store = await open()
      const problems = [{ path: '/event_id', message: 'must be a UUID' }]
      const ids: string[] = []
      for (let n = 0; n < 5; n++) {
        const bytes = Buffer.from([0xff, n])
        ids.push((await store.quarantine({ messageId: `msg_${n}`, bytes, problems })).quarantineId)
        await aLaterTime()
      }
      await store.quarantine({ messageId: 'msg_3', bytes: Buffer.from([0xff, 3]), problems })
      const seen: string[] = []
      let after: string | null | undefined
      while (after !== null) {
        const page = await store.reader.listQuarantine(pageOf(2, after))
        seen.push(...page.items.map(({ id }) => id))
        after = page.next
        expect(page.searchedBackTo).toBeNull()
        await store.quarantine({ messageId: newMessageId(), bytes: Buffer.from('{'), problems: [] })
      }
      expect(seen).toEqual(ids.toReversed())
      const summary = {
        id: ids[3],
        messageId: 'msg_3',
        receivedAt: expect.any(Number),
        lastSeenAt: expect.any(Number),
        timesSeen: 2,
        problems,
      }
      const { items } = await store.reader.listQuarantine({ limit: 1000 })
      expect(items.find(({ id }) => id === ids[3])).toEqual(summary)
      const found = await store.reader.findQuarantined((ids[3] as string).toUpperCase())
      expect(found).toEqual({ ...summary, body: new Uint8Array([0xff, 3]) })
      for (const id of ['', 'unknown', randomUUID(), 'a\0b']) {
        expect(await store.reader.findQuarantined(id)).toBeNull()
      }
    })

    test('is listed whole where many came at once', async () => {
      const store = await open()
      const put = Array.from({ length: 50 }, (_, n) =>
        store.quarantine({ messageId: `msg_${n}`, bytes: Buffer.from('x'), problems: [] }),
      )
      const ids = (await Promise.all(put)).map(({ quarantineId }) => quarantineId)
      const items = await all(7, (page) => store.reader.listQuarantine(page))
      expect(items.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
    })
  })

  describe(`${name}: cursors`, () => {
    test('that are none, or of another list, are refused', async () => {
      const store = await open()
      await acceptEach(store, [acceptance({ hooks: ['a', 'b'] }), acceptance({ hooks: ['a', 'b'] })])
      await store.quarantine({ messageId: 'msg_1', bytes: Buffer.from('x'), problems: [] })
      await store.quarantine({ messageId: 'msg_2', bytes: Buffer.from('x'), problems: [] })
      const lists = [
        (page: PageRequest) => store.reader.listEvents(page),
        (page: PageRequest) => store.reader.listDeliveries(page),
        (page: PageRequest) => store.reader.listQuarantine(page),
      ]
      const cursors = await Promise.all(lists.map(async (list) => (await list({ limit: 1 })).next as string))
      for (const [index, list] of lists.entries()) {
        expect((await list({ limit: 1, after: cursors[index] as string })).items).toHaveLength(1)
        const others = cursors.filter((_, other) => other !== index)
        for (const after of ['', 'x', 'null', `${cursors[index]} `, ...others]) {
          await expect(list({ limit: 1, after })).rejects.toMatchObject({ code: 'cursor_invalid' })
        }
      }
    })
  })
}

function pageOf(limit: number, after: string | null | undefined): PageRequest {
  return typeof after === 'string' ? { limit, after } : { limit }
}

async function all<Item>(limit: number, list: (page: PageRequest) => Promise<Page<Item>>): Promise<Item[]> {
  const items: Item[] = []
  let after: string | null | undefined
  while (after !== null) {
    const page = await list(pageOf(limit, after))
    expect(page.items.length).toBeLessThanOrEqual(limit)
    items.push(...page.items)
    after = page.next
  }
  return items
}

/** At once, but not more than a store lets wait. */
async function acceptMany(store: ReadableStore, count: number, hooks: string[]): Promise<void> {
  for (let left = count; left > 0; left -= 1000) {
    const some = Array.from({ length: Math.min(left, 1000) }, () => store.accept(acceptance({ hooks })))
    await Promise.all(some)
  }
}

function about(fields: Record<string, unknown>, hooks = ['a']): AcceptRequest {
  return acceptance({ event: judged(JSON.stringify(credentialEvent(fields))), hooks })
}

/** One of the documentation's samples, as a message of this id brings it. */
function sample(messageId: string): AcceptRequest {
  const event = judged(JSON.stringify(documentedEvents[0]))
  const request = acceptance({ event })
  return { ...request, dedupKey: dedupKey(event, messageId), webhookId: messageId, messageId }
}

interface Expected {
  webhookId: string
  hook: string
  state: string
  code: string | null
}

function brief({ webhookId, hook, state, code }: Expected): string {
  return `${webhookId} ${hook} ${state} ${code}`
}

/** Two hooks that have each kind of delivery, and one whose are given up. Newest first, as the lists have them. */
async function everyKindOfDelivery(store: ReadableStore): Promise<Expected[]> {
  const outcomes = [
    'dead',
    'delivered',
    'pending',
    'dead after another',
    'leased',
    'dead',
    'new',
    'pending',
  ] as const
  const requests = await acceptEach(
    store,
    outcomes.map((_, n) => acceptance({ hooks: n < 2 ? ['a', 'b-1', 'gone'] : ['a', 'b-1'] })),
  )
  await store.discard({ hook: 'gone', limit: 10 })
  const timeout = { durationMs: 1, status: null, errorCode: 'timeout', answer: null }
  const status = { durationMs: 1, status: 500, errorCode: 'http_status', answer: null }
  const fine = { durationMs: 1, status: 200, errorCode: null, answer: null }
  const expected: Expected[] = []
  for (const hook of ['a', 'b-1']) {
    const claimed = await claim(store, [hook])
    for (const [n, outcome] of outcomes.entries()) {
      const webhookId = (requests[n] as AcceptRequest).webhookId
      const delivery = claimed.find((one) => one.webhookId === webhookId)
      if (delivery === undefined) throw new Error('it was not due')
      const settle = (record: typeof fine | typeof timeout | null, next: object) =>
        store.settle([{ ...delivery, record, next } as never])
      switch (outcome) {
        case 'dead':
          await settle(timeout, { state: 'dead', failures: 1 })
          expected.push({ webhookId, hook, state: 'dead', code: 'timeout' })
          break
        case 'delivered':
          await settle(fine, { state: 'delivered' })
          expected.push({ webhookId, hook, state: 'delivered', code: null })
          break
        case 'pending':
          await settle(timeout, { state: 'pending', delayMs: LONG_MS, failures: 1 })
          expected.push({ webhookId, hook, state: 'pending', code: 'timeout' })
          break
        case 'dead after another': {
          await settle(timeout, { state: 'pending', delayMs: 0, failures: 1 })
          const again = await until('it to be due again', async () => (await claim(store, [hook]))[0])
          await store.settle([{ ...again, record: status, next: { state: 'dead', failures: 2 } }])
          expected.push({ webhookId, hook, state: 'dead', code: 'http_status' })
          break
        }
        case 'leased':
          expected.push({ webhookId, hook, state: 'leased', code: null })
          break
        case 'new':
          await settle(null, { state: 'pending', delayMs: LONG_MS, failures: 0 })
          expected.push({ webhookId, hook, state: 'pending', code: null })
      }
    }
  }
  for (const { webhookId } of requests.slice(0, 2)) {
    expected.push({ webhookId, hook: 'gone', state: 'dead', code: 'discarded' })
  }
  const order = requests.map(({ webhookId }) => webhookId)
  return expected.toSorted(
    (one, other) =>
      order.indexOf(other.webhookId) - order.indexOf(one.webhookId) || (one.hook < other.hook ? 1 : -1),
  )
}
