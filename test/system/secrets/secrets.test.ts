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
import { PLACES, askApi } from './ask-api.ts'
import { WhatIsTold, formsOf } from './what-is-told.ts'

/** Texts that nobody would write by chance. Each stands for what must stay where it is. */
const SECRETS = {
  'a signing secret of Seam': newSecret(),
  'its older signing secret': newSecret(),
  'the operator token': 'operator-token-2f81c0b7',
  'the token that reads': 'reading-token-8e19aa52',
  "a key of Seam's API": 'seam_test1_api-key-0c64d9f3',
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
/** Who looks at an event sees what Seam sent, and a hook's answer. A PIN is masked there too, and no secret shows anywhere. */
const MAY_SHOW: Record<string, (keyof typeof SECRETS)[]> = {
  [PLACES.payload]: ['a description', 'a field that nobody knows', "a receiver's answer"],
  [PLACES.story]: ["a receiver's answer"],
  [PLACES.quarantined]: [
    'a description',
    'a field that nobody knows',
    'a body that is not JSON',
    'a value that fits no schema',
  ],
  [PLACES.test]: ["a receiver's answer"],
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
  test('by logs, answers, metrics, alerts, the API, its page and its stream, while hooks fail, the database is away and settings are wrong', async (context) => {
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
      OPERATOR_READ_TOKEN: SECRETS['the token that reads'],
      SEAM_API_KEY: SECRETS["a key of Seam's API"],
      SEAM_API_URL: receivers.api.url,
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
    const { operatorUrl } = relay
    const [token, pin] = [SECRETS['the operator token'], SECRETS['a PIN']]
    const cookie = await askApi({ operatorUrl, token, pin }, told)
    // It says that a PIN was shown to somebody who asked for it, and not the PIN.
    const actions = await fetch(`${operatorUrl}/api/actions`, { headers: TOKEN })
    expect((await told.noteAnswer('the action log', actions)).text).toContain('reveal')

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
    for (const { body } of receivers.alerts.received) told.note('an alert', body)
    const places = ['the log', 'an answer to Seam', 'the operator listener', 'an alert', 'the stream']
    const morePlaces = ['a file of the page', 'the OpenAPI document', ...Object.values(PLACES)]
    expect([...places, ...morePlaces].filter((where) => told.count(where) === 0)).toEqual([])
    const leaks = told.leaksOf({ ...secrets, 'the cookie of a sign-in': cookie })
    const mayShow = (where: string): readonly string[] => MAY_SHOW[where] ?? []
    expect(leaks.filter(({ where, secret }) => !mayShow(where).includes(secret))).toEqual([])
    // The search works: whatever may be shown somewhere is found there.
    const shown = new Set(leaks.map(({ where, secret }) => `${where}: ${secret}`))
    const expected = Object.entries(MAY_SHOW).flatMap(([where, names]) =>
      names.map((one) => `${where}: ${one}`),
    )
    expect(expected.filter((one) => !shown.has(one))).toEqual([])
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
  /** In place of Seam's API: it takes no key. */
  api: Receiver
}

async function startReceivers(stage: Stage): Promise<Receivers> {
  const answering = (status: number) =>
    stage.receiver(({ headers, path }, response) => {
      // It repeats what it was sent, as debugging receivers do.
      const answer = { answer: SECRETS["a receiver's answer"], path, headers }
      response.writeHead(status).end(JSON.stringify(answer))
    })
  const [failing, gone, well, alerts, api] = await Promise.all([500, 410, 200, 200, 401].map(answering))
  return { failing, gone, well, alerts, api } as Receivers
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
      from: { code: SECRETS['a PIN'] },
      to: SECRETS['a PIN'],
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
    ['/api/overview', { headers: TOKEN }],
    ['/api/events', { headers: TOKEN }],
    ['/api/events', { headers: { cookie: `seam_relay_session=${SECRETS['a PIN']}` } }],
    [`/nowhere?secret=${SECRETS['a PIN']}`, { headers: TOKEN }],
    ['/metrics', { method: 'POST', headers: TOKEN, body: SECRETS['a PIN'] }],
  ]
  for (const [path, request] of asked) {
    await told.noteAnswer('the operator listener', await fetch(`${operatorUrl}${path}`, request))
  }
}

function noteProcess(launched: LaunchedRelay, told: WhatIsTold): void {
  for (const line of launched.logLines) told.note('the log', JSON.stringify(line))
  told.note('standard error', launched.complaints())
}
