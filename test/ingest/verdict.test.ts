import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readSignatureHeaders } from '../../src/ingest/signature-headers.ts'
import { createVerifier } from '../../src/ingest/signature.ts'
import { credentialEvent } from '../support/credential-event.ts'
import { newSecret } from '../support/signed-webhook.ts'

const RUNS = 10_000
const secrets = [newSecret(), newSecret()]
const verify = createVerifier(secrets)

/** A request as it comes off the wire. */
interface Request {
  id: string
  timestamp: string
  signature: string
  body: Buffer
}

/** Changes a request; some change it so that it is still as good as it was. */
type Mutation = (request: Request, at: number) => Request

const bodies: Record<string, Mutation> = {
  'a U+FFFD becomes a byte that UTF-8 never has': (request) =>
    withBody(request, replaced(request.body, Buffer.from('\uFFFD'), Buffer.from([0xff]))),
  'a byte that UTF-8 never has becomes a U+FFFD': (request) =>
    withBody(request, replaced(request.body, Buffer.from([0xff]), Buffer.from('\uFFFD'))),
  'a byte that UTF-8 never has becomes another': (request) =>
    withBody(request, replaced(request.body, Buffer.from([0xff]), Buffer.from([0xfe]))),
  'a bit is flipped': (request, at) => {
    const body = Buffer.from(request.body)
    const index = at % Math.max(1, body.length)
    if (body.length > 0) body[index] = (body[index] as number) ^ (1 << (at % 8))
    return withBody(request, body)
  },
  'a byte is added': (request, at) =>
    withBody(request, Buffer.concat([request.body, Buffer.from([at % 256])])),
  'a byte is left out': (request) => withBody(request, request.body.subarray(1)),
  'a byte-order mark comes first': (request) =>
    withBody(request, Buffer.concat([Buffer.from('\uFEFF'), request.body])),
  'the body is empty': (request) => withBody(request, Buffer.alloc(0)),
}

const signatures: Record<string, Mutation> = {
  'is url-safe': (request) =>
    withSignature(request, request.signature.replaceAll('+', '-').replaceAll('/', '_')),
  'has no padding': (request) => withSignature(request, request.signature.replaceAll('=', '')),
  'has more padding': (request) => withSignature(request, `${request.signature}=`),
  'has base64 behind its padding': (request) => withSignature(request, `${request.signature}AAAA`),
  'has a character that is not base64 behind it': (request) =>
    withSignature(request, `${request.signature}!`),
  'has a comma and more behind it': (request) => withSignature(request, `${request.signature},AAAA`),
  'has other unused bits': (request) =>
    withSignature(
      request,
      request.signature.replace(/.=$/, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}=`),
    ),
  'has a space within': (request, at) =>
    withSignature(request, `${request.signature.slice(0, at % 47)} ${request.signature.slice(at % 47)}`),
  'is of version v1a': (request) => withSignature(request, request.signature.replace('v1,', 'v1a,')),
  'is of version v2': (request) => withSignature(request, request.signature.replace('v1,', 'v2,')),
  'is of version V1': (request) => withSignature(request, request.signature.replace('v1,', 'V1,')),
  'is of version v01': (request) => withSignature(request, request.signature.replace('v1,', 'v01,')),
  'has no version': (request) => withSignature(request, request.signature.replace('v1,', '')),
  'comes after another, which is wrong': (request) =>
    withSignature(request, `v1,${'A'.repeat(43)}= ${request.signature}`),
  'comes before another, which is no signature': (request) =>
    withSignature(request, `${request.signature} v1`),
  'comes after one of another kind and two spaces': (request) =>
    withSignature(request, `v1a,aGVsbG8=  ${request.signature}`),
  'comes after another and a tab': (request) => withSignature(request, `v1,AAAA\t${request.signature}`),
  'comes twice with a comma between, as Node joins a repeated header': (request) =>
    withSignature(request, `${request.signature}, ${request.signature}`),
  'is made by another secret': (request) => withSignature(request, signedBy(newSecret(), request)),
  'is made by the other secret': (request) => withSignature(request, signedBy(secrets[1] as string, request)),
  'is shorter': (request, at) => withSignature(request, request.signature.slice(0, at % 47)),
}

const headers: Record<string, Mutation> = {
  'the timestamp has a leading zero': (request) => ({ ...request, timestamp: `0${request.timestamp}` }),
  'the timestamp has a sign': (request) => ({ ...request, timestamp: `+${request.timestamp}` }),
  'the timestamp has a fraction': (request) => ({ ...request, timestamp: `${request.timestamp}.0` }),
  'the timestamp has letters behind it': (request) => ({ ...request, timestamp: `${request.timestamp}abc` }),
  'the timestamp is another': (request, at) => ({
    ...request,
    // Never at the edge of the tolerance, where a second that passes meanwhile would change the verdict.
    timestamp: String(Number(request.timestamp) + (at % 2 === 0 ? 290 : 310)),
  }),
  'the message id has more behind it': (request) => ({ ...request, id: `${request.id}x` }),
  'the message id is in other case': (request) => ({ ...request, id: request.id.toUpperCase() }),
  'the message id takes over the timestamp': (request) => ({
    ...request,
    id: `${request.id}.${request.timestamp}`,
  }),
  nothing: (request) => request,
}

const mutation = fc
  .record({
    change: fc.constantFrom(...[bodies, signatures, headers].flatMap((kind) => Object.values(kind))),
    at: fc.nat({ max: 100_000 }),
  })
  .map(
    ({ change, at }) =>
      (request: Request) =>
        change(request, at),
  )

const body = fc.oneof(
  fc.constant(Buffer.from(JSON.stringify(credentialEvent()))),
  fc.constant(Buffer.from(JSON.stringify(credentialEvent({ note: 'ä \uFFFD €' })))),
  fc.constant(Buffer.from([0x7b, 0xff, 0x7d])),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
)

test(`${RUNS} mutated requests are judged as an HMAC over their raw bytes judges them`, () => {
  const verdicts = { accepted: 0, refused: 0 }
  fc.assert(
    fc.property(body, fc.array(mutation, { minLength: 1, maxLength: 2 }), (bytes, mutations) => {
      const request = mutations.reduce((one, change) => change(one), signedRequest(bytes))
      const wanted = hmacAccepts(request)
      expect(accepts(request)).toBe(wanted)
      verdicts[wanted ? 'accepted' : 'refused']++
    }),
    { numRuns: RUNS },
  )
  // Both sides of the question have been asked often.
  expect(Math.min(verdicts.accepted, verdicts.refused)).toBeGreaterThan(RUNS / 20)
})

function accepts({ id, timestamp, signature, body }: Request): boolean {
  const read = readSignatureHeaders(
    { 'svix-id': id, 'svix-timestamp': timestamp, 'svix-signature': signature },
    Date.now(),
  )
  return 'headers' in read && verify(body, read.headers)
}

/** The scheme by its letter, and by nothing that the relay uses for it. */
function hmacAccepts(request: Request): boolean {
  const seconds = Number(request.timestamp)
  const isInRange = Math.abs(Math.floor(Date.now() / 1000) - seconds) <= 300
  const isPlainNumber = String(seconds) === request.timestamp
  const fitting = secrets.map((secret) => signedBy(secret, request))
  return isInRange && isPlainNumber && request.signature.split(' ').some((one) => fitting.includes(one))
}

function signedRequest(body: Buffer): Request {
  const unsigned = { id: 'msg_1', timestamp: String(Math.floor(Date.now() / 1000)), signature: '', body }
  return withSignature(unsigned, signedBy(secrets[0] as string, unsigned))
}

function signedBy(secret: string, { id, timestamp, body }: Request): string {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`
}

function withBody(request: Request, body: Buffer): Request {
  return { ...request, body }
}

function withSignature(request: Request, signature: string): Request {
  return { ...request, signature }
}

function replaced(bytes: Buffer, from: Buffer, to: Buffer): Buffer {
  const at = bytes.indexOf(from)
  return at < 0 ? bytes : Buffer.concat([bytes.subarray(0, at), to, bytes.subarray(at + from.length)])
}
