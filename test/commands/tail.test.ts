import type { ServerResponse } from 'node:http'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { ActivityStream } from '../../src/operator/activity-stream.ts'
import { systemClock } from '../../src/time/clock.ts'
import { until } from '../support/until.ts'
import { problem, startOperator } from './operator-stub.ts'
import type { Answer } from './operator-stub.ts'
import { runCommand, startCommand } from './relay-command.ts'

const ITEM = {
  kind: 'delivered',
  at: '2026-03-01T10:00:00.123Z',
  id: '6f0c2d0a-7c3f-4f57-8d0e-0a4f8c1b2d3e',
  event_type: 'acs_credential.issued',
  hook: 'access-log',
  code: null,
}

/** A stream that the test writes. */
function streaming(opened: ServerResponse[]): Answer {
  return (_asked, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': hello\n\n')
    opened.push(response)
  }
}

/** Starts the command and collects what it says. */
function startTail(...args: string[]) {
  const child = startCommand(['tail', ...args])
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  const said = (what: string) => until(what, () => (stdout + stderr).includes(what))
  return { child, said, stdout: () => stdout, stderr: () => stderr }
}

test('what happens is shown as it happens, and Ctrl-C ends it well', async () => {
  const opened: ServerResponse[] = []
  const { url } = await startOperator({ 'GET /api/stream': streaming(opened) })
  const tail = startTail('--url', url)
  const [stream] = await until('a listener', () => (opened.length > 0 ? opened : null))
  stream?.write(`id: 1\ndata: ${JSON.stringify(ITEM)}\n\n`)
  stream?.write(`id: 2\ndata: ${JSON.stringify({ ...ITEM, kind: 'failed', code: 'http_\u001b[31m' })}\n\n`)
  stream?.write('id: 3\nevent: gap\ndata: {"skipped":7}\n\nid: 4\nevent: unknown\ndata: {}\n\n')
  await tail.said('a gap')
  expect(tail.stdout().split('\n')).toEqual([
    '10:00:00Z  delivered    6f0c2d0a-7c3f-4f57-8d0e-0a4f8c1b2d3e  access-log  acs_credential.issued',
    '10:00:00Z  failed       6f0c2d0a-7c3f-4f57-8d0e-0a4f8c1b2d3e  access-log  http_\\u001b[31m  acs_credential.issued',
    '-- a gap: 7 messages cannot be shown any more; the lists have everything',
    '',
  ])
  tail.child.kill('SIGINT')
  expect(await once(tail.child, 'close')).toEqual([0, null])
  expect(tail.stderr()).toBe('')
})

test('a lost connection is made again, where it was left', async () => {
  const opened: ServerResponse[] = []
  const { url, asked } = await startOperator({ 'GET /api/stream': streaming(opened) })
  const tail = startTail('--url', url, '--json')
  await until('a listener', () => opened.length > 0)
  opened[0]?.write(`id: 17\ndata: ${JSON.stringify(ITEM)}\n\n`)
  await tail.said('delivered')
  opened[0]?.destroy()
  await until('another', () => opened.length > 1)
  opened[1]?.write(`id: 18\ndata: ${JSON.stringify({ ...ITEM, kind: 'dead' })}\n\n`)
  await tail.said('"dead"')
  expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '17'])
  expect(tail.stderr()).toBe('the connection is lost; trying again\nconnected again\n')
  const lines = tail.stdout().trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([ITEM, { ...ITEM, kind: 'dead' }])
})

test('the stream is read as the operator listener writes it, and gone on with from where that was', async () => {
  const streams: ActivityStream[] = []
  const { url, asked } = await startOperator({
    'GET /api/stream': (_asked, response) => {
      const stream = new ActivityStream({ position: 5, until: null, clock: systemClock })
      streams.push(stream)
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      stream.pipe(response)
    },
  })
  const item = { at: Date.UTC(2026, 2, 1, 10), id: ITEM.id, eventType: ITEM.event_type }
  const tail = startTail('--url', url)
  const first = await until('a listener', () => streams[0])
  // It comes back with the position that it was told before there was any message.
  first.push(null)
  const second = await until('another', () => streams[1])
  second.tell({
    number: 7,
    at: item.at,
    items: [
      { ...item, kind: 'accepted', hook: null, code: null },
      { ...item, kind: 'delivered', hook: 'one', code: null },
    ],
    skipped: 2,
  })
  await tail.said('a gap: 2 messages')
  second.push(null)
  await until('a third', () => streams[2])
  expect(tail.stdout()).toBe(
    [
      `10:00:00Z  accepted     ${ITEM.id}  acs_credential.issued`,
      `10:00:00Z  delivered    ${ITEM.id}  one  acs_credential.issued`,
      '-- a gap: 2 messages cannot be shown any more; the lists have everything\n',
    ].join('\n'),
  )
  expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '5', '7'])
})

test('who is not let in is told so, at once', async () => {
  const { url } = await startOperator({ 'GET /api/stream': problem(401, 'token_missing', 'Send it.') })
  const { code, stderr } = await runCommand(['tail', '--url', url])
  expect(code).toBe(1)
  expect(stderr).toContain('Set OPERATOR_TOKEN here')
})

test('a reader that has seen enough ends it quietly', async () => {
  const opened: ServerResponse[] = []
  const { url } = await startOperator({ 'GET /api/stream': streaming(opened) })
  const child = startCommand(['tail', '--url', url])
  const complaints = text(child.stderr)
  await until('a listener', () => opened.length > 0)
  child.stdout.destroy()
  const writing = setInterval(() => opened[0]?.write(`data: ${JSON.stringify(ITEM)}\n\n`), 20)
  expect(await once(child, 'exit')).toEqual([0, null])
  clearInterval(writing)
  expect(await complaints).toBe('')
})
