// A receiver in Node 24, without any package. HOOK_SECRET is the hook's secret (whsec_…), several separated by commas;
// DATABASE is a SQLite file, PORT where it listens.
//
//   HOOK_SECRET=whsec_… node receiver.mjs
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import { DatabaseSync } from 'node:sqlite'

const keys = (process.env.HOOK_SECRET ?? '').split(',').map((secret) => {
  if (!secret.startsWith('whsec_')) throw new Error('HOOK_SECRET: whsec_…, several separated by commas')
  return Buffer.from(secret.slice('whsec_'.length), 'base64')
})
const TOLERANCE_S = 5 * 60
const LARGEST_BODY = 1_048_576

const db = new DatabaseSync(process.env.DATABASE ?? 'receiver.db')
db.exec(`
  pragma journal_mode = wal;
  create table if not exists received (webhook_id text primary key, received_at text not null) strict;
  create table if not exists credentials (credential_id text primary key, last_event text not null, occurred_at text not null) strict;
`)
const remember = db.prepare(
  "insert into received values (?, datetime('now')) on conflict do nothing returning webhook_id",
)
// Without ordering: credential, an older event can come after a newer one: the newer one stays.
const note = db.prepare(`
  insert into credentials values (?, ?, ?) on conflict (credential_id) do update
  set last_event = excluded.last_event, occurred_at = excluded.occurred_at where excluded.occurred_at >= occurred_at
`)

const server = createServer((request, response) => {
  statusFor(request).then(
    (status) => response.writeHead(status).end(),
    (error) => {
      // Anything but a 2xx: seam-relay sends it again.
      console.error(error)
      response.writeHead(500).end()
    },
  )
})
server.listen(Number(process.env.PORT ?? 4000), '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`)
})

async function statusFor(request) {
  // The bytes as they came: parsed and written again they would not fit the signature any more.
  const body = await bodyOf(request)
  if (body === null) return 413
  if (!isGenuine(request.headers, body)) return 401
  handle(request.headers['webhook-id'], JSON.parse(body.toString('utf8')))
  return 204
}

/** The event's effect and the memory of its id are written in one transaction: both, or neither and it comes again. */
function handle(webhookId, event) {
  db.exec('begin immediate')
  try {
    // The same id at every attempt. One that is known has been handled, and is answered like the first time.
    const isNew = remember.get(webhookId) !== undefined
    if (isNew) note.run(event.acs_credential_id ?? '', event.event_type, event.occurred_at)
    db.exec('commit')
  } catch (error) {
    db.exec('rollback')
    throw error
  }
}

/** Standard Webhooks: an HMAC-SHA256 over id, timestamp and body, by one of the secrets, not older than five minutes. */
function isGenuine(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers
  if (id === undefined || signatures === undefined || !/^\d{1,12}$/.test(timestamp ?? '')) return false
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) return false
  const wanted = keys.map((key) =>
    createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest(),
  )
  return signatures
    .split(' ')
    .filter((one) => one.startsWith('v1,'))
    .map((one) => Buffer.from(one.slice('v1,'.length), 'base64'))
    .some((given) => wanted.some((one) => one.length === given.length && timingSafeEqual(one, given)))
}

async function bodyOf(request) {
  const chunks = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > LARGEST_BODY) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
