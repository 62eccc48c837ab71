import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { credentialEvent } from '../support/credential-event.ts'
import { parseLogLine } from '../support/log-lines.ts'
import type { LogLine } from '../support/log-lines.ts'
import { programEnvironment } from '../support/program-environment.ts'
import { Receiver } from '../support/receiver.ts'
import { newSecret, signedWebhook } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

// A command, and no part of `npm test`: sets the wall clock of a real process by libfaketime, which must be installed
// (Debian: `apt-get install faketime`). DATABASE_URL names another store than an embedded one.
//
//   node test/system/set-clock.ts

const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')
if (library === undefined) {
  process.stderr.write('libfaketime is not installed: apt-get install faketime\n')
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'seam-relay-set-clock-'))
const offsetFile = join(folder, 'offset')
const secret = newSecret()
const receiver = await Receiver.start()
setClock('+0')
const retry = { initialDelayMs: 1000, maxDelayMs: 1000 }
const breaker = { failures: 1000 }
const hooks = [
  { name: 'retried', events: ['acs_credential.issued'], retry, breaker },
  { name: 'ordered', events: ['acs_credential.deleted'], ordering: 'credential', timeoutMs: 60_000 },
  { name: 'slowed', events: ['acs_credential.reissued'], maxPerSecond: 1 },
].map((hook) => ({ ...hook, url: receiver.url }))
const child = spawn(process.execPath, [new URL('../../src/main.ts', import.meta.url).pathname], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: {
    ...programEnvironment(),
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: offsetFile,
    FAKETIME_NO_CACHE: '1',
    // As in a machine whose clock is set: what never jumps goes on.
    DONT_FAKE_MONOTONIC: '1',
    SEAM_WEBHOOK_SECRET: secret,
    HOOKS: JSON.stringify(hooks),
    HOST: '127.0.0.1',
    PORT: '0',
    OPERATOR_PORT: '0',
    DATABASE_URL: process.env['DATABASE_URL'] ?? `sqlite:${join(folder, 'relay.db')}`,
  },
})
const lines: LogLine[] = []
createInterface({ input: child.stdout }).on('line', (line) => void lines.push(parseLogLine(line)))
let failed = false
try {
  const url = (await until('the start', () => lines.find(({ msg }) => msg === 'listening')))[
    'public'
  ] as string
  await tried('an hour back: a retry due in a second', async () => {
    receiver.behaviour = 500
    const id = await send(url, credentialEvent())
    await seen(id, 1)
    setClock('-3600')
    receiver.behaviour = 204
    await delivered(id)
  })
  await tried('an hour back: a hook with one a second', async () => {
    const ids = []
    for (let n = 0; n < 3; n++)
      ids.push(await send(url, credentialEvent({ event_type: 'acs_credential.reissued' as const })))
    setClock('-3600')
    for (const id of ids) await delivered(id)
  })
  await tried('an hour back: a webhook that is signed now', async () => {
    setClock('-3600')
    const { headers, body } = signedWebhook(secret, JSON.stringify(credentialEvent()))
    const { status } = await fetch(`${url}/webhooks/seam`, { method: 'POST', headers, body: body as string })
    if (status !== 401) throw new Error(`answered ${status}, so the relay does not see the set clock`)
  })
  await tried('120 s ahead: two events of one credential, in order', async () => {
    const answers: (() => void)[] = []
    receiver.behaviour = (_request, response) => answers.push(() => response.writeHead(204).end())
    const about = {
      event_type: 'acs_credential.deleted' as const,
      acs_credential_id: credentialEvent().acs_credential_id,
    }
    const first = await send(url, credentialEvent(about))
    await seen(first, 1)
    const second = await send(url, credentialEvent(about))
    setClock('+120')
    // Long enough for several polls.
    const from = performance.now()
    await until('five seconds', () => performance.now() - from > 5000)
    if (answers.length !== 1) throw new Error(`${answers.length} requests at one time`)
    receiver.behaviour = 204
    for (const answer of answers) answer()
    await delivered(first)
    await delivered(second)
  })
  await tried('four days ahead for three seconds: a delivery that fails meanwhile', async () => {
    receiver.behaviour = 500
    const id = await send(url, credentialEvent())
    await seen(id, 1)
    setClock('+345600')
    await seen(id, 4)
    setClock('+0')
    receiver.behaviour = 204
    await delivered(id)
    if (lines.some(({ level }) => (level as number) >= 50)) throw new Error('a dead letter')
  })
} finally {
  child.kill('SIGKILL')
  await once(child, 'close')
  await receiver.stop()
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = failed ? 1 : 0

/** Moved into place, so that it is never read half written. */
function setClock(offset: string): void {
  writeFileSync(`${offsetFile}.new`, `${offset}\n`)
  renameSync(`${offsetFile}.new`, offsetFile)
}

async function tried(what: string, run: () => Promise<void>): Promise<void> {
  receiver.behaviour = 204
  setClock('+0')
  const result = await run().then(
    () => 'ok',
    (error: unknown) => `WRONG: ${(error as Error).message}`,
  )
  failed ||= result !== 'ok'
  process.stdout.write(`${what.padEnd(66)} ${result}\n`)
}

/** @returns the event's id */
async function send(url: string, event: ReturnType<typeof credentialEvent>): Promise<string> {
  const { headers, body } = signedWebhook(secret, JSON.stringify(event))
  const { status } = await fetch(`${url}/webhooks/seam`, { method: 'POST', headers, body: body as string })
  if (status !== 202) throw new Error(`the relay answered ${status}`)
  return event.event_id
}

async function seen(id: string, times: number): Promise<void> {
  await until(`attempt ${times}`, () => receiver.ids.filter((one) => one === id).length >= times)
}

async function delivered(id: string): Promise<void> {
  await until('the delivery', () =>
    lines.some((line) => line['webhook_id'] === id && line['msg'] === 'delivered'),
  )
}
