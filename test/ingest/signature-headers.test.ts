import type { IncomingHttpHeaders } from 'node:http'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readSignatureHeaders, timestampInRange } from '../../src/ingest/signature-headers.ts'

const TIMESTAMP = 1_731_705_121
const NOW = TIMESTAMP * 1000
const SIGNATURE = 'v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0='
const well = {
  'svix-id': 'msg_loFOjxBNrRLzqYUf',
  'svix-timestamp': String(TIMESTAMP),
  'svix-signature': SIGNATURE,
}
const read = {
  headers: { messageId: 'msg_loFOjxBNrRLzqYUf', timestamp: String(TIMESTAMP), signature: SIGNATURE },
}

describe('well-formed headers', () => {
  test('are read from svix-*', () => {
    expect(readSignatureHeaders(well, NOW)).toEqual(read)
  })

  test('are read from webhook-*', () => {
    expect(readSignatureHeaders(renamed(well), NOW)).toEqual(read)
  })

  test('are read from svix-* where both came', () => {
    const other = { 'webhook-id': 'other', 'webhook-timestamp': '1', 'webhook-signature': 'v1,AAAA' }
    expect(readSignatureHeaders({ ...other, ...well }, NOW)).toEqual(read)
  })

  test.each([
    `${SIGNATURE} ${SIGNATURE}`,
    `v1a,aGVsbG8= ${SIGNATURE}`,
    `garbage ${SIGNATURE}`,
    'v1,AAAA',
    'v1a,aGVsbG8=',
    'v2,AAAA==',
  ])('may carry the signature "%s", which is for the verifier to judge', (signature) => {
    expect(readSignatureHeaders({ ...well, 'svix-signature': signature }, NOW)).toEqual({
      headers: { ...read.headers, signature },
    })
  })
})

describe('headers without a body to them are refused', () => {
  test.each(['svix-id', 'svix-timestamp', 'svix-signature'])('where %s is missing or empty', (name) => {
    const missing = { problem: 'signature_missing' }
    expect(readSignatureHeaders({ ...well, [name]: undefined }, NOW)).toEqual(missing)
    expect(readSignatureHeaders({ ...well, [name]: '' }, NOW)).toEqual(missing)
    const other = name.replace('svix', 'webhook')
    expect(readSignatureHeaders({ ...renamed(well), [other]: undefined }, NOW)).toEqual(missing)
  })

  test.each([
    ['svix-id', 'two words'],
    ['svix-id', 'msg_ä'],
    ['svix-id', 'x'.repeat(257)],
    ['svix-timestamp', '1731705121abc'],
    ['svix-timestamp', '1731705121.5'],
    ['svix-timestamp', '-1731705121'],
    ['svix-timestamp', '+1731705121'],
    ['svix-timestamp', ' 1731705121'],
    ['svix-timestamp', '1731705121\n'],
    ['svix-timestamp', '1e9'],
    ['svix-timestamp', '0x67374d21'],
    ['svix-timestamp', '1731705121, 1731705121'],
    ['svix-timestamp', '01731705121'],
    ['svix-timestamp', '0'],
    ['svix-timestamp', '1731705121000'],
    ['svix-signature', 'v1'],
    ['svix-signature', 'v1,'],
    ['svix-signature', 'v1,===='],
    ['svix-signature', 'rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0='],
    ['svix-signature', 'v1;AAAA'],
    ['svix-signature', 'v1,AA_-'],
    ['svix-signature', 'v1,AAAA,v1,BBBB'],
    ['svix-signature', 'v1,AAAA\tv1,BBBB'],
    ['svix-signature', ' '],
  ])('as malformed where %s is %j', (name, value) => {
    expect(readSignatureHeaders({ ...well, [name]: value }, NOW)).toEqual({ problem: 'signature_malformed' })
  })

  test.each(['svix-id', 'svix-timestamp', 'svix-signature'])('as malformed where %s is a list', (name) => {
    const headers = { ...well, [name]: ['a', 'b'] } as IncomingHttpHeaders
    expect(readSignatureHeaders(headers, NOW)).toEqual({ problem: 'signature_malformed' })
  })

  test.each([-301, 301, 86_400, -1_000_000_000])('where the timestamp is %d seconds off', (seconds) => {
    const timestamp = String(TIMESTAMP + seconds)
    expect(readSignatureHeaders({ ...well, 'svix-timestamp': timestamp }, NOW)).toEqual({
      problem: 'timestamp_out_of_range',
    })
  })
})

test.each([-300, -299, 0, 299, 300])('a timestamp that is %d seconds off is in range', (seconds) => {
  expect(timestampInRange(String(TIMESTAMP + seconds), NOW)).toBe(true)
  expect(timestampInRange(String(TIMESTAMP + seconds), NOW + 999)).toBe(true)
})

test('whatever the headers, the answer is a value', () => {
  const header = fc.oneof(
    fc.string(),
    fc.constant(undefined),
    fc.constant(String(TIMESTAMP)),
    fc.array(fc.string()),
  )
  const headers = fc.record(Object.fromEntries(Object.keys(well).map((name) => [name, header])))
  fc.assert(
    fc.property(headers, (headers) => {
      const result = readSignatureHeaders(headers as IncomingHttpHeaders, NOW)
      if ('problem' in result) return
      expect(result.headers.timestamp).toBe(String(TIMESTAMP))
      expect(result.headers.messageId).toMatch(/^\S+$/)
    }),
  )
})

function renamed(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.replace('svix', 'webhook'), value]),
  )
}
