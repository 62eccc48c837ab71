import { readPageFiles } from '../../../src/operator/page.ts'
import { untilPatiently } from '../../support/until.ts'
import type { WhatIsTold } from './what-is-told.ts'

export interface Asked {
  operatorUrl: string
  token: string
  /** A PIN that stands in payloads. */
  pin: string
}

type Request = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> }
type Json = ReturnType<typeof JSON.parse>

/** Where somebody may see what stands nowhere else: what Seam sent, and what a hook answered. */
export const PLACES = {
  payload: 'an event',
  story: 'the story of a credential',
  quarantined: 'a quarantined body',
  test: 'the test of a hook',
} as const

/**
 * Asks the operator's API whatever can be asked: every call that its document describes, every event and quarantined body, the
 * page's files, a stream and a sign-in. Notes each answer, but none in which a PIN is shown because somebody asked for it.
 * @returns the cookie of the sign-in, which is a secret too
 */
export async function askApi({ operatorUrl, token, pin }: Asked, told: WhatIsTold): Promise<string> {
  const authorization = `Bearer ${token}`
  const ask = (path: string, request: Request = {}) =>
    fetch(`${operatorUrl}${path}`, { ...request, headers: { authorization, ...request.headers } })
  const note = async (where: string, path: string, request?: Request) => {
    const { status, text } = await told.noteAnswer(where, await ask(path, request))
    return { status, body: parsed(text) }
  }
  const change = (path: string, body: object = {}, method = 'POST', where = `${method} ${path}`) =>
    note(where, path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  const stream = await followed(ask)
  const document = (await note('the OpenAPI document', '/openapi.json')).body
  const events: Json[] = (await note('GET /api/events', '/api/events?limit=500')).body.items
  const bodies: Json[] = (await note('GET /api/quarantine', '/api/quarantine?limit=500')).body.items
  if (events.length === 0 || bodies.length === 0) throw new Error('there is nothing to be told')

  // What people do, before the lists are asked for that tell of it.
  for (const hook of ['failing', 'gone', 'well']) {
    await change(`/api/hooks/${hook}/test`, {}, 'POST', PLACES.test)
    await change(`/api/hooks/${hook}/pause`, { reason: 'a test' })
    await change(`/api/hooks/${hook}/resume`)
  }
  await change('/api/replay', { hook: 'well', dry_run: true })
  const replay = (await change('/api/replay', { hook: 'well', states: ['delivered'] })).body.id as string
  await note('GET a replay', `/api/replays/${replay}`)
  await change(`/api/replays/${replay}`, {}, 'DELETE')
  await change('/api/reconcile', { since: '2026-01-01T00:00:00Z' })
  await change('/api/replay', { hook: pin, token: pin })
  for (const { id } of bodies) await change(`/api/quarantine/${id}/retry`)
  const [first, ...others] = bodies
  for (const { id } of others) await note(PLACES.quarantined, `/api/quarantine/${id}`)
  await change(`/api/quarantine/${first.id}`, {}, 'DELETE')

  let revealed = ''
  for (const { webhook_id: id, credential_id: credential } of events) {
    await note(PLACES.payload, `/api/events/${id}`)
    if (credential !== null) await note(PLACES.story, `/api/credentials/${credential}`)
    await note('GET /api/search', `/api/search?q=${id}`)
    revealed += await (await ask(`/api/events/${id}?reveal=true`)).text()
  }
  if (!revealed.includes(pin)) throw new Error('no event has the PIN')

  for (const path of Object.keys(document.paths).filter((one) => document.paths[one].get !== undefined)) {
    if (path === '/api/stream') continue
    await note(`GET ${path}`, path.replaceAll(/\{\w+\}/g, encodeURIComponent(pin)))
    await note(`GET ${path}`, `${path.replaceAll(/\{\w+\}/g, 'x')}?token=${pin}&q=${pin}&cursor=${pin}`)
  }
  for (const { path } of readPageFiles()) await note('a file of the page', path)

  const cookie = await signIn(operatorUrl, token)
  for (const path of ['/api/overview', '/api/actions', '/api/hooks']) {
    const answer = await fetch(`${operatorUrl}${path}`, { headers: { cookie } })
    await told.noteAnswer('an answer to a browser', answer)
  }
  await change('/session', { token: `${token}x` })
  await untilPatiently('the stream to tell something', () => stream.text().includes('\ndata:'))
  told.note('the stream', stream.text())
  await stream.end()
  return cookie.slice(cookie.indexOf('=') + 1)
}

async function followed(ask: (path: string, request: Request) => Promise<Response>) {
  const cut = new AbortController()
  // From the first thing on that was ever told.
  const answer = await ask('/api/stream', { headers: { 'last-event-id': '0' }, signal: cut.signal })
  let text = JSON.stringify([...answer.headers])
  const reading = (async () => {
    for await (const chunk of answer.body ?? []) text += Buffer.from(chunk).toString()
  })().catch(() => {})
  return {
    text: () => text,
    async end() {
      cut.abort()
      await reading
    },
  }
}

async function signIn(operatorUrl: string, token: string): Promise<string> {
  const answer = await fetch(`${operatorUrl}/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  const [cookie = ''] = answer.headers.getSetCookie()
  if (!answer.ok || cookie === '') throw new Error(`no sign-in: ${answer.status}`)
  return cookie.split(';')[0] as string
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
