import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { hooksOf } from '../support/hooks.ts'
import { launchRelay } from '../support/relay-process.ts'
import { scratchFolder } from '../support/scratch.ts'
import { newSecret } from '../support/signed-webhook.ts'

test('silent connections beyond the limit of open files lock nobody out', async () => {
  const limited = ['sh', '-c', 'ulimit -n 128; exec "$0" "$@"']
  const environment = { DATABASE_URL: `sqlite:${join(scratchFolder(), 'relay.db')}`, ...hooksOf() }
  const relay = await launchRelay(newSecret(), environment, onTestFinished, limited).listening()
  const silent = await Promise.all(Array.from({ length: 300 }, () => opened(relay.url)))
  for (let n = 0; n < 5; n++) {
    const signal = AbortSignal.timeout(20_000)
    expect(await relay.send(credentialEvent(), { signal })).toMatchObject({ status: 202 })
  }
  expect(silent.filter(({ closed }) => !closed).length).toBeGreaterThan(50)
})

async function opened(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {}).resume()
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  return socket
}
