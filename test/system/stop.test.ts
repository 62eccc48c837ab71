import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { scratchFolder } from '../support/scratch.ts'
import { MAIN, startUnreadRelay } from '../support/unread-relay.ts'
import { until } from '../support/until.ts'

const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0

describe.skipIf(!canMount)('while the DNS does not answer (needs root)', () => {
  test('the stop keeps its bound, though a name lookup takes ten seconds', async () => {
    const dns = await startSilentDns()
    const relay = await startUnreadRelay({
      stdout: 'ignore',
      environment: { SHUTDOWN_TIMEOUT_MS: '1000' },
      command: ['unshare', '--mount', 'sh', '-c', runWith(dns.address)],
    })
    writeFileSync(relay.hooksFile, 'hooks:\n  - { name: one, url: "http://hook.example.com/" }\n')
    relay.child.kill('SIGHUP')
    await until('a name to be looked up', async () => {
      await relay.send(credentialEvent())
      return dns.queries() > 0
    })
    const startedAt = performance.now()
    relay.child.kill('SIGTERM')
    expect(await relay.ended).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(8000)
  })
})

/** Takes queries and answers none. */
async function startSilentDns(): Promise<{ address: string; queries: () => number }> {
  const address = '127.0.53.53'
  let queries = 0
  const socket = createSocket('udp4').on('message', () => queries++)
  socket.bind(53, address)
  await once(socket, 'listening')
  onTestFinished(() => void socket.close())
  return { address, queries: () => queries }
}

/** The program in a file system of its own, in which this is the DNS server. */
function runWith(dnsAddress: string): string {
  const resolvConf = join(scratchFolder(), 'resolv.conf')
  writeFileSync(resolvConf, `nameserver ${dnsAddress}\n`)
  return `mount --bind "${resolvConf}" /etc/resolv.conf && exec "${process.execPath}" "${MAIN}"`
}
