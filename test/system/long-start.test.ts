import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { newPath, change, open } from '../store/store-file.ts'
import { withoutReplays } from '../store/every-state.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { freePort } from '../support/free-port.ts'
import { launchRelay } from '../support/relay-process.ts'
import type { LaunchedRelay } from '../support/relay-process.ts'
import { newSecret, signedWebhook } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

/** A trigger makes the second step, which goes through all deliveries, as slow as if there were very many. */
const SLOW_OF_THE_FIRST_SCHEMA = `
  drop index deliveries_order; drop index deliveries_dead; drop index events_accepted;
  alter table deliveries drop column order_key; alter table deliveries drop column replays;
  alter table deliveries drop column lease_token; alter table deliveries drop column failing_since;
  alter table attempts drop column lease_token;
  insert into deliveries (event_seq, hook, state, due_at, active_since) values (1, 'gone', 'pending', 1, 1);
  create trigger slow before update on deliveries begin
    select count(*) from (
      with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000000000) select i from n);
  end;`

// A start that takes long: the process is alive and not ready, so nobody starts it again and again.

test('while a start waits for its store, it is alive and not ready, webhooks get a 503, and then it goes on', async () => {
  const path = newPath()
  const lock = locked(`${path}.lock`, 'begin exclusive')
  const relay = await launch(`sqlite:${path}`)
  await until('the probes to answer', async () => (await relay.get('/livez'))?.status === 200)
  expect(await relay.get('/readyz')).toEqual({
    status: 503,
    body: {
      status: 'unavailable',
      checks: { store: 'starting', process: 'ok' },
      reason: 'the store is being opened',
    },
  })
  expect(await relay.send()).toMatchObject({ status: 503, retryAfter: '5' })
  lock.close()
  await relay.launched.listening()
  expect(await relay.get('/readyz')).toMatchObject({ status: 200 })
  expect(await relay.send()).toMatchObject({ status: 202 })
})

test('while a file is migrated it says so, and SIGTERM ends it at once although its thread is inside SQLite', async () => {
  const path = newPath()
  await (await open(path)).close()
  change(path, `${SLOW_OF_THE_FIRST_SCHEMA} ${withoutReplays('')} pragma user_version = 1`)
  const first = await launch(`sqlite:${path}`)
  await until('the migration to begin', async () =>
    JSON.stringify(await first.get('/readyz')).includes('the store is being migrated'),
  )
  expect(await first.get('/livez')).toMatchObject({ status: 200 })
  expect(await first.send()).toMatchObject({ status: 503 })
  const askedAt = performance.now()
  expect(await ended(first.launched)).toBe(0)
  // The migration takes minutes.
  expect(performance.now() - askedAt).toBeLessThan(30_000)
  expect(first.launched.logLines.at(-1)).toMatchObject({ msg: 'stopped during the start' })

  change(path, 'drop trigger slow')
  const second = await launch(`sqlite:${path}`)
  await second.launched.listening()
  expect(second.launched.logLines).toContainEqual(
    expect.objectContaining({
      msg: 'the start takes time',
      reason: expect.stringMatching(/^the store is being migrated \(\d+ steps\)$/) as string,
    }),
  )
  expect(await second.send()).toMatchObject({ status: 202 })
})

test('while a start waits for Postgres, the probes say what it waits for', async () => {
  const relay = await launch('postgres://nobody@127.0.0.1:1/none')
  await until('the first try to fail', async () => {
    const reason = (await relay.get('/readyz'))?.body['reason']
    return reason === 'the database cannot be reached (ECONNREFUSED)'
  })
  expect(await relay.get('/livez')).toMatchObject({ status: 200 })
  expect(await relay.send()).toMatchObject({ status: 503, retryAfter: '5' })
  expect(await ended(relay.launched)).toBe(0)
})

function ended({ child, ended }: LaunchedRelay): Promise<number | null> {
  child.kill('SIGTERM')
  return ended
}

/** A lock on the file that its `close` lets go. */
function locked(path: string, begin: string): { close(): void } {
  const db = new DatabaseSync(path)
  db.exec(begin)
  onTestFinished(() => void (db.isOpen && db.close()))
  return db
}

/** Its port is known before it says that it listens. */
async function launch(databaseUrl: string) {
  const secret = newSecret()
  const port = await freePort()
  const launched = launchRelay(secret, { DATABASE_URL: databaseUrl, HOOKS: '[]', PORT: `${port}` })
  const url = `http://127.0.0.1:${port}`
  return {
    launched,
    /** `null` while nothing listens. */
    async get(path: string) {
      const response = await fetch(url + path).catch(() => null)
      return response && { status: response.status, body: (await response.json()) as Record<string, unknown> }
    },
    async send() {
      const { headers, body } = signedWebhook(secret, JSON.stringify(credentialEvent()))
      const response = await fetch(`${url}/webhooks/seam`, { method: 'POST', headers, body: body as string })
      return { status: response.status, retryAfter: response.headers.get('retry-after') }
    },
  }
}
