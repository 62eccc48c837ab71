import { describe, expect, test } from 'vitest'
import { errorCodeOf, outcomeOfAnswer } from '../../src/delivery/outcome.ts'

describe('an answer', () => {
  const record = { durationMs: 12, errorCode: null, answer: Buffer.from('why') }

  test.each([200, 201, 202, 204, 299])('of %d is a delivery', (status) => {
    expect(outcomeOfAnswer(status, null, record)).toEqual({
      kind: 'delivered',
      record: { ...record, status },
    })
  })

  test('of 2xx is a delivery even where its body broke off, which is noted', () => {
    const cut = { ...record, errorCode: 'response_incomplete' }
    expect(outcomeOfAnswer(200, null, cut)).toEqual({ kind: 'delivered', record: { ...cut, status: 200 } })
  })

  test('of 410 is a refusal', () => {
    expect(outcomeOfAnswer(410, 5000, record)).toEqual({
      kind: 'refused',
      record: { ...record, status: 410, errorCode: 'gone' },
    })
  })

  test.each([
    [300, 'redirect'],
    [301, 'redirect'],
    [304, 'redirect'],
    [308, 'redirect'],
    [399, 'redirect'],
    [400, 'http_status'],
    [401, 'http_status'],
    [404, 'http_status'],
    [409, 'http_status'],
    [411, 'http_status'],
    [429, 'http_status'],
    [500, 'http_status'],
    [503, 'http_status'],
    [599, 'http_status'],
    [999, 'http_status'],
  ])('of %d is a failure with the code %s', (status, errorCode) => {
    expect(outcomeOfAnswer(status, null, record)).toEqual({
      kind: 'failed',
      record: { ...record, status, errorCode },
      retryAfterMs: null,
    })
  })

  test('that failed hands on how long to wait', () => {
    expect(outcomeOfAnswer(503, 7000, record)).toMatchObject({ kind: 'failed', retryAfterMs: 7000 })
  })
})

describe('an error before the answer', () => {
  test.each([
    ['ENOTFOUND', 'dns_failed'],
    ['EAI_AGAIN', 'dns_failed'],
    ['ECONNREFUSED', 'connection_refused'],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
    ['ETIMEDOUT', 'timeout'],
    ['ECONNRESET', 'connection_reset'],
    ['EPIPE', 'connection_reset'],
    ['UND_ERR_SOCKET', 'connection_reset'],
    ['HPE_INVALID_CONSTANT', 'response_invalid'],
    ['UND_ERR_HEADERS_OVERFLOW', 'response_invalid'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_failed'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls_failed'],
    ['CERT_HAS_EXPIRED', 'tls_failed'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls_failed'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls_failed'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls_failed'],
    ['EPROTO', 'tls_failed'],
    ['ERR_OSSL_EVP_UNSUPPORTED', 'tls_failed'],
    ['CRL_HAS_EXPIRED', 'tls_failed'],
    ['PATH_LENGTH_EXCEEDED', 'tls_failed'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'response_invalid'],
    ['ENETUNREACH', 'connection_failed'],
    ['EHOSTUNREACH', 'connection_failed'],
    ['SOMETHING_NEW', 'connection_failed'],
  ])('of the code %s is %s', (code, expected) => {
    expect(errorCodeOf(Object.assign(new Error('x'), { code }), false)).toBe(expected)
  })

  test.each([
    [['ENETUNREACH', 'ECONNREFUSED'], 'connection_refused'],
    [['ECONNREFUSED', 'ENETUNREACH'], 'connection_refused'],
    [['EHOSTUNREACH', 'ENETUNREACH'], 'connection_failed'],
  ])('of several addresses, with %j, is %s', (codes, expected) => {
    const errors = codes.map((code) => Object.assign(new Error('x'), { code }))
    const error = Object.assign(new AggregateError(errors), { code: codes[0] })
    expect(errorCodeOf(error, false)).toBe(expected)
  })

  test.each([new Error('x'), { code: undefined }, { code: 23 }, 'x', null, undefined])(
    'without a code is connection_failed',
    (error) => {
      expect(errorCodeOf(error, false)).toBe('connection_failed')
    },
  )
})

describe('an error within the answer', () => {
  test.each(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'NEW', ''])(
    'of the code "%s" means that the answer is incomplete',
    (code) => {
      expect(errorCodeOf({ code }, true)).toBe('response_incomplete')
    },
  )

  test('that breaks HTTP means that the answer is invalid', () => {
    expect(errorCodeOf({ code: 'HPE_INVALID_CHUNK_SIZE' }, true)).toBe('response_invalid')
  })
})
