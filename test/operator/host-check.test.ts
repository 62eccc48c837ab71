import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { namesThisHost } from '../../src/operator/host-check.ts'
import { rawAnswer } from '../support/raw-http.ts'
import { startRelay } from '../support/relay.ts'

describe('where no token protects the listener, the Host header', () => {
  test.each([
    'localhost',
    'localhost:3001',
    'LOCALHOST:3001',
    'localhost:',
    'localhost:9',
    '127.0.0.1',
    '127.0.0.1:3001',
    '127.1.2.3:80',
    '[::1]',
    '[::1]:3001',
    '127.0.0.5:3001',
  ])('may be %s', (host) => {
    expect(names(host)).toBe(true)
  })

  test.each([
    '',
    ' ',
    'evil.example',
    'evil.example:3001',
    'localhost.evil.example',
    'localhost.',
    'evil.localhost',
    '127.0.0.1.evil.example',
    '127.0.0.1.',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '0.0.0.0',
    '[::]',
    '[::2]:3001',
    '[::1]x',
    '::1',
    '[::1',
    '[127.0.0.1]',
    '[::1]:x',
    '192.168.1.2:3001',
    'localhost:3001:3001',
    'localhost:abc',
    'localhost:123456',
    'user@localhost',
    'localhost@evil.example',
    'localhost/evil.example',
    'localhost,evil.example',
    'localhost evil.example',
    'localhost#',
    'localhost\u0000',
    'lоcalhost',
  ])('may not be %j', (host) => {
    expect(names(host)).toBe(false)
  })

  test('may be what OPERATOR_HOST says, and no other', () => {
    const target = (host: string) => ({ url: '/', rawHeaders: ['Host', host] })
    expect(namesThisHost(target('127.0.0.9:1'), '127.0.0.9')).toBe(true)
    expect(namesThisHost(target('[::1]:1'), '::1')).toBe(true)
    expect(namesThisHost(target('ops.example'), '127.0.0.1')).toBe(false)
  })

  test('has to be there, and once', () => {
    expect(namesThisHost({ url: '/', rawHeaders: [] }, '127.0.0.1')).toBe(false)
    const twice = ['Host', 'localhost', 'host', 'localhost']
    expect(namesThisHost({ url: '/', rawHeaders: twice }, '127.0.0.1')).toBe(false)
    // A value that reads like the name of the header is no header.
    expect(namesThisHost({ url: '/', rawHeaders: ['x', 'host', 'Host', 'localhost'] }, '127.0.0.1')).toBe(
      true,
    )
  })

  test.each([
    ['http://evil.example/api/events', false],
    ['http://localhost:3001/api/events', true],
    ['HTTP://[::1]/', true],
    ['http://localhost@evil.example/', false],
    ['evil.example:443', false],
    ['//evil.example/', true], // a path: no host is named by it
    ['*', true],
  ])('a request for %s goes by the host that it names itself', (url, isAllowed) => {
    expect(namesThisHost({ url, rawHeaders: ['Host', 'localhost'] }, '127.0.0.1')).toBe(isAllowed)
  })

  test('of whatever form, is allowed only where a browser would connect to this machine for it', () => {
    const pieces = [
      'localhost',
      '127.0.0.1',
      '::1',
      '[::1]',
      ':',
      '3001',
      '.',
      '@',
      '/',
      '\\',
      'evil',
      ' ',
      '%',
      '#',
    ]
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3 }))), (parts) => {
        const host = parts.join('')
        if (!names(host)) return
        const { hostname, username } = new URL(`http://${host}/`)
        expect([hostname, username]).toEqual([
          expect.stringMatching(/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/),
          '',
        ])
      }),
      { numRuns: 20_000 },
    )
  })
})

test('a request by another name is answered with 421, whatever it asks for, and nothing else', async () => {
  const { operatorUrl } = await startRelay()
  for (const path of ['/', '/metrics', '/openapi.json', '/nothing', '/session']) {
    const answer = await rawAnswer(operatorUrl, `GET ${path} HTTP/1.1\r\nhost: evil.example\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 421 [^]*"code":"host_not_allowed"/)
    expect(answer).not.toContain('seam_relay_webhooks')
  }
  const absolute = `GET http://evil.example/metrics HTTP/1.1\r\nhost: localhost\r\n\r\n`
  expect(await rawAnswer(operatorUrl, absolute)).toMatch(/^HTTP\/1\.1 421 /)
  const twice = 'GET /metrics HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n'
  expect(await rawAnswer(operatorUrl, twice)).toMatch(/^HTTP\/1\.1 4(00|21) /)
  expect(await rawAnswer(operatorUrl, 'GET /metrics HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 421 /)
  const here = await rawAnswer(operatorUrl, 'GET /openapi.json HTTP/1.1\r\nhost: localhost:1\r\n\r\n')
  expect(here).toMatch(/^HTTP\/1\.1 200 /)
})

test('with a token any name will do: a proxy has its own', async () => {
  const { app } = await startRelay({ OPERATOR_TOKEN: 'correct horse' })
  const headers = { host: 'ops.example', authorization: 'Bearer correct horse' }
  expect((await app.operatorListener.inject({ url: '/metrics', headers })).statusCode).toBe(200)
})

function names(host: string): boolean {
  return namesThisHost({ url: '/', rawHeaders: ['Host', host] }, '127.0.0.1')
}
