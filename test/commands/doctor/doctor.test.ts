import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { hooksOf } from '../../support/hooks.ts'
import { newDatabase, sql } from '../../support/postgres.ts'
import { listen } from '../../support/raw-receiver.ts'
import { startReceiver, startRelay } from '../../support/relay.ts'
import { scratchFolder } from '../../support/scratch.ts'
import { newSecret } from '../../support/signed-webhook.ts'
import { runCommand, runProcess } from '../relay-command.ts'

interface Line {
  about: string
  state: string
  text: string
  do?: string
}

/** Runs the doctor and gives its lines, after a look at what holds for every answer of it. */
async function examined(settings: Record<string, string>, ...options: string[]) {
  // In a process of its own: what NODE_EXTRA_CA_CERTS names is read when it starts.
  const run = 'NODE_EXTRA_CA_CERTS' in settings ? runProcess : runCommand
  const { code, stdout, stderr } = await run(['doctor', '--json', ...options], settings)
  expect(stderr).toBe('')
  const { well, lines } = JSON.parse(stdout) as { well: boolean; lines: Line[] }
  expect(well).toBe(!lines.some(({ state }) => state === 'wrong'))
  expect(code).toBe(well ? 0 : 1)
  for (const line of lines) expect('do' in line).toBe(line.state === 'wrong' || line.state === 'look')
  return { stdout, lines, about: (name: string) => lines.filter((line) => line.about === name) }
}

function settingsOf(changes: Record<string, string> = {}): Record<string, string> {
  const database = { DATABASE_URL: `sqlite:${join(scratchFolder(), 'relay.db')}` }
  return { SEAM_WEBHOOK_SECRET: newSecret(), PORT: '0', ...hooksOf(), ...database, ...changes }
}

test('a relay that runs, on a store that it uses, with a hook that answers: nothing is wrong', async () => {
  const receiver = await startReceiver()
  const hooks = hooksOf({
    name: 'one',
    url: `${receiver.url}?key=s3cret`,
    headers: { authorization: 's3cret' },
  })
  const relay = await startRelay(hooks)
  const settings = {
    SEAM_WEBHOOK_SECRET: relay.secret,
    DATABASE_URL: `sqlite:${relay.databasePath}`,
    HOST: '127.0.0.1',
    PORT: new URL(relay.url).port,
    ...hooks,
  }
  const { stdout, lines, about } = await examined(settings)
  expect(lines.filter(({ state }) => state === 'wrong')).toEqual([])
  expect(about('service')[0]).toMatchObject({ state: 'ok', text: expect.stringContaining('ready') as string })
  expect(about('store')[0]?.text).toMatch(/, in use by a seam-relay$/)
  expect(about('clock')[0]).toMatchObject({ state: 'ok' })
  expect(about('hook one')).toEqual([
    { about: 'hook one', state: 'ok', text: `${new URL(receiver.url).origin} answers` },
  ])
  expect(about('Seam')[0]).toMatchObject({ state: 'skipped' })
  expect(stdout).not.toContain('s3cret')
  // It was asked for the headers of its root, and told nothing.
  const [asked] = receiver.received
  expect(asked).toMatchObject({ path: '/', body: '' })
  expect(asked?.headers).not.toHaveProperty('authorization')
  expect(asked?.headers).not.toHaveProperty('webhook-id')
})

test('the text for people has a line for each thing, an arrow before what to do, and a sum', async () => {
  const receiver = await startReceiver()
  const { url } = receiver
  await receiver.stop()
  const { code, stdout, stderr } = await runCommand(['doctor'], settingsOf(hooksOf({ name: 'one', url })))
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  expect(stdout).toMatch(/^ok {7}settings {2}right: 1 signing secret, 1 hook$/m)
  expect(stdout).toMatch(
    /^wrong {4}hook one {2}http:\/\/\S+ cannot be reached: nothing listens there\n {19}→ Start it/m,
  )
  expect(stdout).toMatch(/\n\n1 thing is wrong\.\n$/)
})

test('mistakes in the configuration end it with 78, before anything else is looked at', async () => {
  const { code, stdout, stderr } = await runCommand(['doctor'], settingsOf({ PORT: 'eighty' }))
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  expect(stderr).toContain('PORT: expected a whole number')
})

test('a store that is not there yet is right, and looking at it does not make it', async () => {
  const folder = scratchFolder()
  const path = join(folder, 'data', 'deeper', 'relay.db')
  const { about } = await examined(settingsOf({ DATABASE_URL: `sqlite:${path}` }))
  expect(about('store')[0]).toMatchObject({
    state: 'ok',
    text: `${path} is not there yet: the first start makes it`,
  })
  expect(readdirSync(folder)).toEqual([])
})

test('a store that nobody uses is looked at without leaving anything beside it', async () => {
  const relay = await startRelay()
  await relay.app.stop()
  const folder = join(relay.databasePath, '..')
  const before = readdirSync(folder).toSorted()
  const { about } = await examined(settingsOf({ DATABASE_URL: `sqlite:${relay.databasePath}` }))
  expect(about('store')[0]?.text).toMatch(/, in use by nobody$/)
  expect(readdirSync(folder).toSorted()).toEqual(before)
})

test('a file that is no store is wrong, and stays as it was', async () => {
  const path = join(scratchFolder(), 'notes.txt')
  writeFileSync(path, 'dear diary'.repeat(1000))
  const { about } = await examined(settingsOf({ DATABASE_URL: `sqlite:${path}` }))
  expect(about('store')[0]).toMatchObject({ state: 'wrong' })
  expect(readFileSync(path, 'utf8')).toBe('dear diary'.repeat(1000))
  expect(existsSync(`${path}-wal`)).toBe(false)
})

test('something else on the port is wrong', async () => {
  const other = await startReceiver((_request, response) => response.end('hello'))
  const settings = settingsOf({ HOST: '127.0.0.1', PORT: new URL(other.url).port })
  expect((await examined(settings)).about('service')[0]).toMatchObject({ state: 'wrong' })
})

test('an expired certificate is told with its end, though nothing is sent to such a hook', async () => {
  const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))
  const tls = {
    cert: readFileSync(fixture('expired-cert.pem')),
    key: readFileSync(fixture('expired-key.pem')),
  }
  const port = await listen(createServer(tls, (_request, response) => void response.end()))
  const hooks = hooksOf(
    { name: 'one', url: `https://localhost:${port}/` },
    { name: 'two', url: `http://localhost:${port}/` },
  )
  const trusting = { NODE_EXTRA_CA_CERTS: fixture('expired-cert.pem') }
  const { about } = await examined(settingsOf({ ...hooks, ...trusting }))
  expect(about('hook one')[0]?.text).toMatch(/: its certificate expired \d+ days ago \(CERT_HAS_EXPIRED\)/)
  expect(about('hook two')[0]).toMatchObject({ state: 'wrong' })
  const stranger = await examined(settingsOf(hooks))
  expect(stranger.about('hook one')[0]?.text).toContain('CERT_HAS_EXPIRED')
})

test('a Postgres that is new, used, and newer than the program', async () => {
  const url = await newDatabase()
  const fresh = await examined(settingsOf({ DATABASE_URL: url }))
  expect(fresh.about('store')[0]?.text).toMatch(/^PostgreSQL \d+.*; new: the first start makes its schema$/)
  expect(fresh.about('clock')[0]?.text).toMatch(/^agrees with the database within /)

  const relay = await startRelay({ DATABASE_URL: url })
  const used = await examined(settingsOf({ DATABASE_URL: url }))
  expect(used.about('store')[0]).toMatchObject({
    state: 'ok',
    text: expect.stringMatching(/, schema \d+; takes changes$/) as string,
  })
  await relay.app.stop()

  await sql(url, 'update seam_relay.schema_version set version = 999')
  const newer = await examined(settingsOf({ DATABASE_URL: url }))
  expect(newer.about('store')[0]).toMatchObject({
    state: 'wrong',
    text: expect.stringContaining('newer seam-relay (schema 999') as string,
  })
  expect(newer.stdout).not.toContain(new URL(url).password || url)
})

test('a database that takes no changes, or cannot be reached, is wrong', async () => {
  const url = await newDatabase()
  const options = '?options=-c%20default_transaction_read_only%3Don'
  const standby = await examined(settingsOf({ DATABASE_URL: url + options }))
  expect(standby.about('store')[0]).toMatchObject({
    state: 'wrong',
    text: expect.stringContaining('takes no changes') as string,
  })
  const closed = await startReceiver()
  const { port } = new URL(closed.url)
  await closed.stop()
  const gone = await examined(settingsOf({ DATABASE_URL: `postgres://u:s3cret@127.0.0.1:${port}/d` }))
  expect(gone.about('store')[0]).toMatchObject({
    state: 'wrong',
    text: 'the database cannot be reached: nothing listens there',
  })
  expect(gone.stdout).not.toContain('s3cret')
})

test('with an API key, the endpoint at Seam is compared, and the secret is never shown', async () => {
  const secret = newSecret()
  const webhooks = [{ url: 'https://relay.example.com/webhooks/seam', event_types: ['*'], secret }]
  const seam = await startReceiver((request, response) => {
    const isKnown = request.headers.authorization === 'Bearer seam_key1'
    response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isKnown ? { webhooks, ok: true } : { error: { type: 'unauthorized' } }))
  })
  const settings = settingsOf({
    SEAM_WEBHOOK_SECRET: secret,
    SEAM_API_KEY: 'seam_key1,seam_key2',
    SEAM_API_URL: new URL(seam.url).origin,
  })
  const { stdout, about } = await examined(
    settings,
    '--webhook-url',
    'https://relay.example.com/webhooks/seam',
  )
  expect(seam.received[0]).toMatchObject({ path: '/webhooks/list' })
  expect(about('Seam, key 1').map(({ state }) => state)).toEqual(['ok', 'ok', 'ok', 'ok'])
  expect(about('Seam, key 2')).toMatchObject([{ state: 'wrong', text: 'Seam refuses the API key (401)' }])
  for (const hidden of [secret, 'seam_key1', 'seam_key2']) expect(stdout).not.toContain(hidden)
  const foreign = await examined({ ...settings, SEAM_API_KEY: 'seam_key1', SEAM_WEBHOOK_SECRET: newSecret() })
  expect(foreign.about('Seam').map(({ state }) => state)).toEqual(['ok', 'ok', 'wrong', 'ok'])
  expect(foreign.stdout).not.toContain(secret)
})
