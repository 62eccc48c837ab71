import { open as openPostgres } from '../store/postgres-database.ts'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { acceptance } from '../store/asking.ts'
import { sql } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { startMigrateStore, outcomeOf, migrateStore } from './command.ts'
import { rowsOfFile, rowsOfDatabase } from './rows.ts'
import { sourceOfAllSorts, sourceWith } from './source.ts'
import { newDatabaseOfAStore, blockDelivery, waitsForLock, isAny } from './target.ts'

/** More deliveries than one batch carries. */
const MANY = 3000

test('a run that is killed leaves whole events behind, and the next run carries the rest', async () => {
  const path = await sourceOfMany()
  const url = await newDatabaseOfAStore()
  const blocker = await blockDelivery(url, MANY - 100, 'a')
  const command = startMigrateStore(['--from', `sqlite:${path}`, '--to', url])
  await waitsForLock(url)
  command.kill('SIGKILL')
  await once(command, 'exit')
  await blocker.end()

  const whole = await sql(
    url,
    `select count(*)::int as ids, count(e)::int as events, count(d)::int as deliveries
     from seam_relay.event_ids i left join seam_relay.events e using (seq)
     left join seam_relay.deliveries d on d.event_seq = i.seq`,
  )
  const { ids } = whole[0] as { ids: number }
  expect(whole).toEqual([{ ids, events: ids, deliveries: ids }])
  expect(ids).toBeGreaterThan(0)
  expect(ids).toBeLessThan(MANY)

  expect(await migrateStore(path, url)).toMatchObject({ code: 0, stderr: '' })
  expect(await rowsOfDatabase(url)).toMatchObject(rowsOfFile(path))
})

test('a relay that starts on the target during the run waits until everything is there', async () => {
  const { path } = await sourceOfAllSorts()
  const url = await newDatabaseOfAStore()
  const blocker = await blockDelivery(url, 4, 'later')
  const command = startMigrateStore(['--from', `sqlite:${path}`, '--to', url])
  const ended = outcomeOf(command)
  await waitsForLock(url)

  const starting = openPostgres(url)
  await until('the relay to wait', () =>
    isAny(
      url,
      `select from pg_locks l join pg_database d on d.oid = l.database
      where d.datname = current_database() and locktype = 'advisory' and not granted`,
    ),
  )
  await blocker.end()
  expect(await ended).toMatchObject({ code: 0 })
  await starting
})

function sourceOfMany(): Promise<string> {
  return sourceWith(async (store) => {
    await Promise.all(Array.from({ length: MANY }, () => store.accept(acceptance({ hooks: ['a'] }))))
  })
}
