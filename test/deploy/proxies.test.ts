import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { freePort } from '../support/free-port.ts'
import { startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { scratchFolder } from '../support/scratch.ts'
import { signedWebhook } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'
import { tryProgram } from './programs.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const example = (name: string) => readFileSync(resolve(ROOT, 'deploy/proxy', name), 'utf8')

/** What the examples say that seam-relay needs. */
const TRUST_PROXY = { TRUST_PROXY: 'loopback' }
/** Where a client is, and where it claims to be. */
const CLIENT = '127.0.0.2'
const CLAIMED = '203.0.113.9'
const WANTED = { webhook: 202, forged: 401, address: CLIENT, others: [404, 404, 404, 404] }

test.each(['Caddyfile', 'seam-relay.nginx.conf'])('%s names the TRUST_PROXY that is tried here', (name) => {
  expect(example(name)).toContain('TRUST_PROXY=loopback')
})

test('Caddy lets webhooks through and nothing else, and its word about the address is not the client’s', async ({
  skip,
}) => {
  if (tryProgram('caddy', ['version']) === null) skip('caddy is not installed here')
  const relay = await startRelay(TRUST_PROXY)
  const site = `http://127.0.0.1:${await freePort()}`
  const home = scratchFolder()
  start('caddy', ['run', '--adapter', 'caddyfile', '--config', resolve(ROOT, 'deploy/proxy/Caddyfile')], {
    SITE: site,
    UPSTREAM: new URL(relay.url).host,
    HOME: home,
    XDG_DATA_HOME: home,
    XDG_CONFIG_HOME: home,
  })
  expect(await throughProxy(relay, site)).toEqual(WANTED)
})

test('nginx lets webhooks through and nothing else, and its word about the address is not the client’s', async ({
  skip,
}) => {
  if (tryProgram('nginx', ['-v']) === null) skip('nginx is not installed here')
  const relay = await startRelay(TRUST_PROXY)
  const folder = scratchFolder()
  const port = await freePort()
  const plain = example('seam-relay.nginx.conf')
    .replace('server 127.0.0.1:3000;', `server ${new URL(relay.url).host};`)
    .replace(/^ *listen .*\n/gm, '')
    .replace(/^ *ssl_.*\n/gm, '')
    .replace('server_name', `listen 127.0.0.1:${port};\n    server_name`)
  const configuration = join(folder, 'nginx.conf')
  writeFileSync(
    configuration,
    `daemon off; pid ${join(folder, 'pid')}; error_log stderr;
     events {} http { access_log off; ${temporaryPaths(folder)} ${plain} }`,
  )
  start('nginx', ['-e', 'stderr', '-c', configuration])
  expect(await throughProxy(relay, `http://127.0.0.1:${port}`)).toEqual(WANTED)
})

test('nginx accepts the example as it stands, with a certificate', ({ skip }) => {
  if (tryProgram('nginx', ['-v']) === null) skip('nginx is not installed here')
  const folder = scratchFolder()
  const fixtures = resolve(ROOT, 'test/fixtures')
  const configuration = join(folder, 'nginx.conf')
  const given = example('seam-relay.nginx.conf')
    .replace(/ssl_certificate .*;/, `ssl_certificate ${fixtures}/expired-cert.pem;`)
    .replace(/ssl_certificate_key .*;/, `ssl_certificate_key ${fixtures}/expired-key.pem;`)
  writeFileSync(
    configuration,
    `pid ${join(folder, 'pid')}; events {} http { access_log off; ${temporaryPaths(folder)} ${given} }`,
  )
  const ran = tryProgram('nginx', ['-t', '-e', 'stderr', '-c', configuration])
  expect(ran?.output).toContain('test is successful')
})

/** Where nginx keeps what does not fit into memory: by default in a folder that only a package makes. */
function temporaryPaths(folder: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return kinds.map((kind) => `${kind}_temp_path ${join(folder, kind)};`).join(' ')
}

function start(command: string, args: readonly string[], environment: Record<string, string> = {}): void {
  const child = spawn(command, args, { env: { PATH: process.env['PATH'], ...environment }, stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
}

/** What comes of a webhook and of a forged one, which address is logged for the latter, and what other paths answer. */
async function throughProxy(relay: Relay, proxy: string): Promise<object> {
  const post = (tail: string) => {
    const { headers, body } = signedWebhook(relay.secret, JSON.stringify(credentialEvent()))
    return postFrom(
      CLIENT,
      `${proxy}/webhooks/seam`,
      { ...headers, 'x-forwarded-for': CLAIMED },
      `${body as string}${tail}`,
    )
  }
  await until('the proxy to listen', async () => (await post('').catch(() => null)) === 202)
  const forged = await post(' ')
  const { address } = await relay.logged('webhook refused')
  const others = await Promise.all(
    ['/', '/readyz', '/metrics', '/webhooks/seam/x'].map(
      async (path) => (await fetch(`${proxy}${path}`)).status,
    ),
  )
  return { webhook: await post(''), forged, address, others }
}

/** Posts from a loopback address of its own, so that it can be told from the proxy's. @returns the status */
async function postFrom(
  localAddress: string,
  url: string,
  headers: Record<string, string>,
  body: string,
): Promise<number | undefined> {
  const sending = request(url, { method: 'POST', headers, localAddress })
  sending.end(body)
  const [response] = (await once(sending, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}
