import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { credentialEvent } from '../../support/credential-event.ts'
import type { Receiver } from '../../support/receiver.ts'
import type { LaunchedRelay, RelayProcess } from '../../support/relay-process.ts'
import { scratchFolder } from '../../support/scratch.ts'
import { newSecret, signedWebhook } from '../../support/signed-webhook.ts'
import { Stage } from '../../support/stage.ts'
import { untilPatiently } from '../../support/until.ts'
import { WhatIsTold, formsOf } from './what-is-told.ts'

/** Texts that nobody would write by chance. Each stands for what must stay where it is. */
const SECRETS = {
  'a signing secret of Seam': newSecret(),
  'its older signing secret': newSecret(),
  'the operator token': 'operator-token-2f81c0b7',
  "a hook's secret": newSecret(),
  "a hook's header": 'Bearer header-token-93d1ee40',
  "a token in a hook's path": 'path-token-5cb06fa1',
  'a token in the address of alerts': 'alert-token-b7720c11',
  'a PIN': '90210447',
  'a description': 'description-of-a-door-e1d2',
  'a field that nobody knows': 'unknown-field-77aa10',
  'a body that is not JSON': 'not-json-0b1c2d3e',
  'a value that fits no schema': 'misfit-value-4410ff',
  "a receiver's answer": 'answer-of-a-receiver-6d6d',
}
const TOKEN = { authorization: `Bearer ${SECRETS['the operator token']}` }

test('each form in which a secret may be told is found', () => {
  const secret = 'top "secret" 1'
  const told = new WhatIsTold()
  for (const form of formsOf(secret)) told.note(form, `<${form}>`)
  expect(new Set(told.leaksOf({ it: secret }).map(({ where }) => where))).toEqual(new Set(formsOf(secret)))
  expect(told.leaksOf({ other: 'another secret' })).toEqual([])
})

describe('over a whole run no secret and no payload is told', { timeout: 180_000 }, () => {
  test('by logs, answers, metrics and alerts, while hooks fail, the database is away and settings are wrong', async (context) => {
    const stage = new Stage(context)
    const told = new WhatIsTold()
    const server = await stage.server()
    const databasePassword = new URL(server.url()).password
    const secrets = { ...SECRETS, 'the password of the database': databasePassword }
    const receivers = await startReceivers(stage)
    const hooksFile = join(scratchFolder(), 'hooks.json')
    writeFileSync(hooksFile, JSON.stringify({ hooks: hooksAt(receivers) }))
    const launched = stage.launch(server.url(), [], {
      SEAM_WEBHOOK_SECRET: [
        stage.secret,
        SECRETS['a signing secret of Seam'],
        SECRETS['its older signing secret'],
      ].join(','),
      OPERATOR_TOKEN: SECRETS['the operator token'],
      HOOKS: '',
      HOOKS_FILE: hooksFile,
      ALERT_URL: `${receivers.alerts.url}?token=${SECRETS['a token in the address of alerts']}`,
      ACCEPT_EVENT_TYPES: '*',
      LOG_LEVEL: 'trace',
    })
    const relay = await launched.listening()

    await sendEverything(relay, stage.secret, told)
    await untilPatiently('a dead letter', () =>
      launched.logLines.some(({ msg }) => /given up/.test(String(msg))),
    )
    await untilPatiently('a breaker to open', () =>
      launched.logLines.some(({ msg }) => /breaker opened/.test(String(msg))),
    )
    await receivers.alerts.hasReceived(1)
    await askOperator(relay, told)
    const shown = new WhatIsTold()
    await lookAtEverything(relay, shown)

    writeFileSync(
      hooksFile,
      JSON.stringify({ hooks: [{ ...hooksAt(receivers)[0], url: 7, secret: SECRETS["a hook's secret"] }] }),
    )
    relay.child.kill('SIGHUP')
    await relay.logged('hooks not taken over, the old ones stay')
    writeFileSync(hooksFile, `{"hooks":[{"name":"x","headers":{"a":"${SECRETS["a hook's header"]}"`)
    relay.child.kill('SIGHUP')

    await server.kill()
    await untilPatiently(
      'readiness to be lost',
      async () => (await relay.readyz()).status === 503 || delay(50, false),
    )
    await sendEverything(relay, stage.secret, told)
    await askOperator(relay, told)
    await server.start()
    await untilPatiently('readiness', async () => (await relay.readyz()).status === 200 || delay(50, false))
    await relay.end('SIGTERM')

    noteProcess(launched, told)
    expect(shown.count('the page and its calls')).toBeGreaterThan(20)
    expect(shown.leaksOf(credentialsOf(secrets))).toEqual([])
    for (const { body } of receivers.alerts.received) told.note('an alert', body)
    const places = ['the log', 'an answer to Seam', 'the operator listener', 'an alert']
    expect(places.filter((where) => told.count(where) === 0)).toEqual([])
    expect(told.leaksOf(secrets)).toEqual([])
  })

  test('by a start that fails: with a wrong password, a database that is not there, and settings full of mistakes', async (context) => {
    const stage = new Stage(context)
    const told = new WhatIsTold()
    const wrong = new URL(await stage.database())
    wrong.password = 'wrong-password-88121'
    const missing = new URL(wrong)
    missing.pathname = 'database-that-is-not-there'
    const hook = {
      name: 'A!',
      url: `ftp://x/${SECRETS["a token in a hook's path"]}`,
      secrets: [SECRETS['the operator token']],
    }
    const starts = [
      stage.launch(wrong.href, []),
      stage.launch(missing.href, []),
      stage.launch(wrong.href, [hook], {
        ALERT_URL: `http://u:${SECRETS['a token in the address of alerts']}@x`,
        OPERATOR_TOKEN: ` ${SECRETS['the operator token']}\n`,
        PORT: 'seventy',
      }),
    ]
    for (const launched of starts) {
      expect(await launched.ended).toBeOneOf([1, 78])
      noteProcess(launched, told)
      expect(launched.complaints()).toMatch(/^seam-relay cannot start: /)
    }
    expect(
      told.leaksOf({ ...SECRETS, 'a wrong password': wrong.password, 'the signing secret': stage.secret }),
    ).toEqual([])
  })
})

interface Receivers {
  failing: Receiver
  gone: Receiver
  well: Receiver
  alerts: Receiver
}

async function startReceivers(stage: Stage): Promise<Receivers> {
  const answering = (status: number) =>
    stage.receiver(({ headers, path }, response) => {
      // It repeats what it was sent, as debugging receivers do.
      const answer = { answer: SECRETS["a receiver's answer"], path, headers }
      response.writeHead(status).end(JSON.stringify(answer))
    })
  const [failing, gone, well, alerts] = await Promise.all([500, 410, 200, 200].map(answering))
  return { failing, gone, well, alerts } as Receivers
}

function hooksAt({ failing, gone, well }: Receivers): object[] {
  return Object.entries({ failing, gone, well }).map(([name, receiver]) => ({
    name,
    url: `${receiver.url}/${SECRETS["a token in a hook's path"]}`,
    secrets: [SECRETS["a hook's secret"]],
    headers: { authorization: SECRETS["a hook's header"] },
    retry: { initialDelayMs: 20, maxDelayMs: 100 },
    breaker: { failures: 3, cooldownMs: 200 },
  }))
}

/** Webhooks of every kind, and what strangers ask of the public listener. */
async function sendEverything({ url }: RelayProcess, secret: string, told: WhatIsTold): Promise<void> {
  const event = {
    ...credentialEvent(),
    event_description: SECRETS['a description'],
    code: SECRETS['a PIN'],
    more: { deep: [SECRETS['a field that nobody knows']] },
  }
  const foreign = newSecret()
  const bodies = {
    new: JSON.stringify(event),
    conflict: JSON.stringify({ ...event, code: `${SECRETS['a PIN']}1` }),
    misfit: JSON.stringify({
      ...event,
      event_id: credentialEvent().event_id,
      occurred_at: SECRETS['a value that fits no schema'],
    }),
    otherType: JSON.stringify({
      ...credentialEvent(),
      event_type: 'access_code.changed',
      code: SECRETS['a PIN'],
    }),
    notJson: SECRETS['a body that is not JSON'],
    twice: `{"event_id":"${SECRETS['a value that fits no schema']}","event_id":"1"}`,
    large: JSON.stringify({ ...event, pad: SECRETS['a field that nobody knows'].repeat(20_000) }),
  }
  const post = async (body: string, key: string) => {
    const signed = signedWebhook(key, body)
    const answer = await fetch(`${url}/webhooks/seam`, { method: 'POST', headers: signed.headers, body })
    await told.noteAnswer('an answer to Seam', answer)
    const signature = signed.headers['svix-signature'] as string
    expect(told.leaksOf({ signature: signature.slice('v1,'.length) })).toEqual([])
  }
  for (const body of Object.values(bodies)) for (const key of [secret, foreign]) await post(body, key)
  await post(bodies.new, secret)
  const strange: [string, RequestInit][] = [
    ['/webhooks/seam', { method: 'POST', body: SECRETS['a body that is not JSON'] }],
    [
      '/webhooks/seam',
      { method: 'POST', body: '{}', headers: { 'svix-id': SECRETS['a PIN'], 'svix-signature': 'v1' } },
    ],
    [`/webhooks/seam?token=${SECRETS['a PIN']}`, {}],
    [`/${SECRETS['a PIN']}`, { headers: TOKEN }],
    ['/readyz', {}],
    ['/livez', {}],
  ]
  for (const [path, request] of strange) {
    await told.noteAnswer('an answer to Seam', await fetch(`${url}${path}`, request))
  }
}

async function askOperator({ operatorUrl }: RelayProcess, told: WhatIsTold): Promise<void> {
  const asked: [string, RequestInit][] = [
    ['/metrics', { headers: TOKEN }],
    ['/metrics', {}],
    ['/metrics', { headers: { authorization: 'Bearer wrong' } }],
    [`/nowhere?secret=${SECRETS['a PIN']}`, { headers: TOKEN }],
    ['/metrics', { method: 'POST', headers: TOKEN, body: SECRETS['a PIN'] }],
  ]
  for (const [path, request] of asked) {
    await told.noteAnswer('the operator listener', await fetch(`${operatorUrl}${path}`, request))
  }
}

/** What a person sees who may see payloads, and the stream for a moment. */
async function lookAtEverything({ operatorUrl }: RelayProcess, shown: WhatIsTold): Promise<void> {
  const where = 'the page and its calls'
  const ask = async (path: string, request: RequestInit = {}) => {
    const answer = await fetch(`${operatorUrl}${path}`, { headers: TOKEN, ...request })
    return shown.noteAnswer(where, answer)
  }
  const idsIn = async (path: string, field: string) =>
    [...(await ask(path)).text.matchAll(new RegExp(`"${field}":"([^"]+)"`, 'g'))].map(
      ([, id]) => id as string,
    )
  const lists = ['overview', 'counts', 'deliveries', 'failures', 'hooks', 'replays', 'refusals', 'actions']
  for (const list of lists) await ask(`/api/${list}`)
  for (const id of await idsIn('/api/events', 'event_id')) await ask(`/api/events/${id}`)
  for (const id of await idsIn('/api/quarantine', 'id')) await ask(`/api/quarantine/${id}`)
  for (const path of ['/', '/openapi.json', `/api/search?q=${SECRETS['a PIN']}`]) await ask(path)
  const change = { method: 'POST', headers: { ...TOKEN, 'content-type': 'application/json' } }
  await ask('/api/hooks/well/pause', { ...change, body: '{"reason":"to see"}' })
  await ask('/api/hooks/well/resume', { ...change, body: '{}' })
  await ask('/api/hooks/gone/test', { ...change, body: '{}' })
  await ask('/session', { ...change, body: JSON.stringify({ token: SECRETS['the operator token'] }) })
  await ask('/session', { ...change, body: JSON.stringify({ token: `${SECRETS['the operator token']}x` }) })
  const stream = await fetch(`${operatorUrl}/api/stream`, { headers: { ...TOKEN, 'last-event-id': '0' } })
  shown.note(where, await beginningOf(stream))
}

/** What a stream has said within a moment. */
async function beginningOf(stream: Response): Promise<string> {
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const until = delay(1500, null)
  for (;;) {
    const next = await Promise.race([reader?.read(), until])
    if (next === null || next === undefined || next.done) break
    text += next.value
  }
  await reader?.cancel()
  return text
}

/** Without what is in payloads and answers, which the page shows: but for PINs, which are masked there. */
function credentialsOf(secrets: Record<string, string>): Record<string, string> {
  const isPayload = /^a (description|field|body|value|receiver's answer)/
  return Object.fromEntries(Object.entries(secrets).filter(([name]) => !isPayload.test(name)))
}

function noteProcess(launched: LaunchedRelay, told: WhatIsTold): void {
  for (const line of launched.logLines) told.note('the log', JSON.stringify(line))
  told.note('standard error', launched.complaints())
}
