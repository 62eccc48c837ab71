import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { EVENTS_OF_BLOCK } from '../../src/store/event-blocks.ts'
import type { Reader } from '../../src/store/reader.ts'
import type { Store } from '../../src/store/store.ts'
import { newDatabase, sql } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { acceptEach, acceptanceAbout } from './asking.ts'
import { open as openDatabase } from './postgres-database.ts'
import { change, newPath, open as openFile, read } from './store-file.ts'

// A credential's events are looked for block by block. Here they lie in several, with empty ones between, and some on both sides
// of a border.

const BORDERS = [1, 2, 3, 40].map((block) => block * EVENTS_OF_BLOCK)
/** The index of the versions before blocks. */
const BEFORE_BLOCKS = '(credential_id, seq) where credential_id is not null'

test('SQLite: what a credential is told of is the same in many blocks, and after an upgrade from the index before', async () => {
  const path = newPath()
  let store = await openFile(path)
  const about = await fill(async (seq) => {
    await store.close()
    change(path, `update sqlite_sequence set seq = ${seq} where name = 'event_ids'`)
    store = await openFile(path)
    return store
  })
  expect(await toldBy(store.reader, about)).toEqual(allOf(about))
  await store.close()
  change(
    path,
    `drop index events_credential; create index events_credential on events ${BEFORE_BLOCKS};
     pragma user_version = 9`,
  )
  expect(await toldBy((await openFile(path)).reader, about)).toEqual(allOf(about))
})

test('SQLite: the version before finds the same by the new index', async () => {
  const path = newPath()
  const store = await openFile(path)
  const { credential, ids } = await fill(async () => store)
  // As it asks.
  const found = read(
    path,
    `select e.webhook_id as id from events e where e.seq in (
       select seq from events indexed by events_credential where credential_id = '${credential}' order by seq desc limit 100)
     order by e.seq desc`,
  )
  expect(found.map(({ id }) => id)).toEqual(ids)
})

test('Postgres: what a credential is told of is the same in many blocks, by the index, by the one before, and by none', async () => {
  const url = await newDatabase()
  const store = await openDatabase(url)
  const about = await fill(async (seq) => {
    await sql(url, `select setval('seam_relay.event_seq', ${seq})`)
    return store
  })
  expect(await toldBy(store.reader, about)).toEqual(allOf(about))
  await sql(url, 'drop index seam_relay.events_credential_blocks')
  expect(await toldBy(store.reader, about)).toEqual(allOf(about))
  await sql(url, `create index events_credential on seam_relay.events ${BEFORE_BLOCKS}`)
  expect(await toldBy(store.reader, about)).toEqual(allOf(about))

  const later = await openDatabase(url)
  const indices = `select relname as name from pg_class where relname like 'events_credential%' order by 1`
  await until('the index of blocks to take the place of the one before', async () => {
    const names = (await sql<{ name: string }>(url, indices)).map(({ name }) => name)
    return names.join() === 'events_credential_blocks'
  })
  expect(await toldBy(later.reader, about)).toEqual(allOf(about))
})

interface Filled {
  credential: string
  /** Newest first. */
  ids: string[]
}

/** Two events on each side of each border, and others' among them. */
async function fill(goTo: (seq: number) => Promise<Store>): Promise<Filled> {
  const credential = randomUUID()
  const ids: string[] = []
  for (const border of BORDERS) {
    const store = await goTo(border - 3)
    const requests = [credential, credential, randomUUID(), credential, null, credential].map((id) =>
      acceptanceAbout(id),
    )
    await acceptEach(store, requests)
    for (const { webhookId, event } of requests) if (event.credentialId === credential) ids.unshift(webhookId)
  }
  return { credential, ids }
}

/** What should be told: all of them, the newest five, nothing of a stranger, how many there are, and all in pages of three. */
function allOf({ credential, ids }: Filled) {
  return {
    story: ids,
    newest: ids.slice(0, 5),
    strangers: [],
    hits: [{ kind: 'credential', id: credential, events: ids.length }],
    listed: ids,
  }
}

async function toldBy(reader: Reader, { credential }: Filled) {
  const story = async (id: string, limit: number) =>
    (await reader.storyOf(id, limit))
      .toSorted((a, b) => b.eventSeq - a.eventSeq)
      .map(({ webhookId }) => webhookId)
  return {
    story: await story(credential, 100),
    newest: await story(credential, 5),
    strangers: await story(randomUUID(), 100),
    hits: await reader.search(credential),
    listed: await listed(reader, credential),
  }
}

async function listed(reader: Reader, credentialId: string): Promise<string[]> {
  const ids: string[] = []
  for (let after: string | undefined; ;) {
    const page = await reader.listEvents({
      credentialId,
      limit: 3,
      ...(after === undefined ? {} : { after }),
    })
    ids.push(...page.items.map(({ webhookId }) => webhookId))
    if (page.next === null) return ids
    after = page.next
  }
}
