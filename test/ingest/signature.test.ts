import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { Webhook } from 'svix'
import { describe, expect, test } from 'vitest'
import type { SignatureHeaders } from '../../src/ingest/signature-headers.ts'
import { createVerifier } from '../../src/ingest/signature.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { newMessageId, newSecret } from '../support/signed-webhook.ts'

const secret = newSecret()
const verify = createVerifier([secret])
const body = Buffer.from(JSON.stringify(credentialEvent({ note: 'ä €' })))

describe("the sender's example", () => {
  // Long out of range for the verifier, so it is held against what signs here, which then signs anew.
  const example = {
    secret: 'whsec_plJ3nmyCDGBKInavdOK15jsl',
    messageId: 'msg_loFOjxBNrRLzqYUf',
    timestamp: 1_731_705_121,
    body: '{"event_type":"ping","data":{"success":true}}',
    signature: 'v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=',
  }

  test('is what the library signs', () => {
    const at = new Date(example.timestamp * 1000)
    expect(new Webhook(example.secret).sign(example.messageId, at, example.body)).toBe(example.signature)
  })

  test('is what is signed by hand here', () => {
    const { secret, messageId, timestamp, body } = example
    expect(signByHand(secret, messageId, String(timestamp), Buffer.from(body))).toBe(example.signature)
  })

  test('signed anew is verified, and with the signature of then it is not', () => {
    const verifyExample = createVerifier([example.secret])
    const bytes = Buffer.from(example.body)
    const headers = signed(bytes, { secret: example.secret, messageId: example.messageId })
    expect(verifyExample(bytes, headers)).toBe(true)
    expect(verifyExample(bytes, { ...headers, signature: example.signature })).toBe(false)
  })
})

describe('a body is verified', () => {
  test('that one of the secrets signed, whichever', () => {
    const secrets = [newSecret(), newSecret(), newSecret()]
    const verifyAny = createVerifier(secrets)
    for (const secret of secrets) expect(verifyAny(body, signed(body, { secret }))).toBe(true)
    expect(verifyAny(body, signed(body, { secret: newSecret() }))).toBe(false)
  })

  test('where one of several signatures fits, as while a secret is rotated', () => {
    const headers = signed(body)
    const old = signed(body, { secret: newSecret() }).signature
    const signature = `v1a,aGVsbG8= ${old} ${headers.signature} v1,AAAA`
    expect(verify(body, { ...headers, signature })).toBe(true)
    expect(verify(body, { ...headers, signature: `v1a,aGVsbG8= ${old}` })).toBe(false)
  })

  test.each([
    ['empty', Buffer.alloc(0)],
    ['a byte-order mark', Buffer.from('\uFEFF{}')],
    ['text in many scripts', Buffer.from('{"a":"ä€😀 \u0000"}')],
    ['a byte that UTF-8 never has', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['half a character', Buffer.from([0x22, 0xc3, 0x22])],
    ['256 KiB', Buffer.alloc(262_144, 'x')],
  ])('that is %s', (_what, bytes) => {
    expect(verify(bytes, signed(bytes))).toBe(true)
  })

  test('whatever its bytes, UTF-8 or not, by exactly those', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(verify(Buffer.from(bytes), signed(Buffer.from(bytes)))).toBe(true)
      }),
    )
  })
})

describe('a body is not verified', () => {
  test('when any bit of it is flipped', () => {
    const headers = signed(body)
    fc.assert(
      fc.property(fc.nat({ max: body.length - 1 }), fc.nat({ max: 7 }), (at, bit) => {
        expect(verify(flipped(body, at, bit), headers)).toBe(false)
      }),
    )
  })

  test('when any bit of it is flipped, where it was no UTF-8 before', () => {
    const bytes = Buffer.from([0x7b, 0xff, 0xfe, 0x80, 0x7d])
    const headers = signed(bytes)
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) expect(verify(flipped(bytes, at, bit), headers)).toBe(false)
    }
  })

  test('when one byte that is no UTF-8 is put in the place of another', () => {
    // Decoded, they are all the same replacement character.
    expect(verify(Buffer.from([0xfe]), signed(Buffer.from([0xff])))).toBe(false)
    expect(verify(Buffer.from('\uFFFD'), signed(Buffer.from([0xff])))).toBe(false)
  })

  test('when something is added or taken away', () => {
    const headers = signed(body)
    expect(verify(Buffer.concat([body, Buffer.from(' ')]), headers)).toBe(false)
    expect(verify(Buffer.concat([Buffer.from('\uFEFF'), body]), headers)).toBe(false)
    expect(verify(body.subarray(0, -1), headers)).toBe(false)
  })

  test('under another message id, or at another time, than was signed', () => {
    const headers = signed(body)
    expect(verify(body, { ...headers, messageId: `${headers.messageId}x` })).toBe(false)
    expect(verify(body, { ...headers, timestamp: String(Number(headers.timestamp) - 1) })).toBe(false)
  })

  test.each([
    ['of another kind', (base64: string) => `v1a,${base64}`],
    ['of another version', (base64: string) => `v2,${base64}`],
    ['of no version', (base64: string) => base64],
    ['not whole', (base64: string) => `v1,${base64.slice(0, -8)}`],
    ['empty', () => 'v1,'],
  ])('when the signature is %s', (_what, spoil) => {
    for (const bytes of [body, Buffer.from([0xff])]) {
      const headers = signed(bytes)
      expect(verify(bytes, { ...headers, signature: spoil(headers.signature.slice(3)) })).toBe(false)
    }
  })
})

test('whatever the headers, the verifier answers and does not throw', () => {
  const headers = fc.record({ messageId: fc.string(), timestamp: fc.string(), signature: fc.string() })
  fc.assert(
    fc.property(fc.uint8Array(), headers, (bytes, headers) => {
      expect(verify(Buffer.from(bytes), headers)).toBe(false)
    }),
  )
})

interface Signing {
  secret?: string
  messageId?: string
  at?: number
}

/** Signed as the sender signs: the bytes, whatever they are. */
function signed(bytes: Buffer, signing: Signing = {}): SignatureHeaders {
  const { messageId = newMessageId(), at = secondsFromNow(0) } = signing
  const timestamp = String(at)
  return {
    messageId,
    timestamp,
    signature: signByHand(signing.secret ?? secret, messageId, timestamp, bytes),
  }
}

function signByHand(secret: string, messageId: string, timestamp: string, bytes: Buffer): string {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const hmac = createHmac('sha256', key).update(`${messageId}.${timestamp}.`).update(bytes)
  return `v1,${hmac.digest('base64')}`
}

function secondsFromNow(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds
}

function flipped(bytes: Buffer, at: number, bit: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[at] = (bytes[at] as number) ^ (1 << bit)
  return changed
}
