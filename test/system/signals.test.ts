import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { startReceiver } from '../support/relay.ts'
import { launchRelay, startRelayProcess } from '../support/relay-process.ts'
import type { LaunchedRelay } from '../support/relay-process.ts'
import { scratchFolder } from '../support/scratch.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

/** Node itself catches SIGTERM and SIGINT from its beginning on, so this one shows that the program does. */
const SIGHUP = 1
const FIRST_PROCESS = ['unshare', '--pid', '--fork', '--kill-child']

describe.runIf(process.platform === 'linux')('during a start that waits for the lock of its store', () => {
  test('SIGHUP does not end it, and the hooks are read again once it runs', async () => {
    const { first, second, hooksFile, receiver } = await twoOnOneStore()
    writeFileSync(hooksFile, `hooks:\n  - { name: one, url: "${receiver.url}" }\n`)
    second.child.kill('SIGHUP')
    second.child.kill('SIGHUP')
    expect(await first.end('SIGTERM')).toBe(0)
    const relay = await second.listening()
    await until('the hooks to be taken over', () =>
      relay.logLines.some(({ msg, hooks }) => msg === 'hooks taken over' && String(hooks) === 'one'),
    )
    expect((await relay.send(credentialEvent())).status).toBe(202)
    await receiver.hasReceived(1)
  })

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s ends it at once with 0, and the other goes on',
    async (signal) => {
      const { first, second } = await twoOnOneStore()
      const startedAt = performance.now()
      second.child.kill(signal)
      expect(await second.ended).toBe(0)
      // It would wait for ten seconds.
      expect(performance.now() - startedAt).toBeLessThan(8000)
      expect(second.logLines.at(-1)).toMatchObject({ msg: 'stopped during the start', signal })
      expect((await first.send(credentialEvent())).status).toBe(202)
    },
  )

  test('SIGTERM leaves the store to the next one', async () => {
    const { first, second, launch } = await twoOnOneStore()
    second.child.kill('SIGTERM')
    expect(await second.ended).toBe(0)
    expect(await first.end('SIGTERM')).toBe(0)
    const third = await launch().listening()
    expect((await third.send(credentialEvent())).status).toBe(202)
  })
})

describe('during a start that waits for a Postgres that does not answer', () => {
  test('SIGHUP does not end it, SIGTERM ends it at once with 0', async () => {
    const database = await startSilentServer()
    const relay = launchRelay(newSecret(), { DATABASE_URL: database.url, HOOKS: '[]' })
    await database.connected
    relay.child.kill('SIGHUP')
    // Node takes the signals in this order.
    relay.child.kill('SIGTERM')
    expect(await relay.ended).toBe(0)
    expect(relay.logLines.map(({ msg }) => msg)).toEqual(['stopped during the start'])
  })

  test('it goes on after a SIGHUP', async () => {
    const database = await startSilentServer()
    const relay = launchRelay(newSecret(), { DATABASE_URL: database.url, HOOKS: '[]' })
    await database.connected
    relay.child.kill('SIGHUP')
    await until('it to try the database again', () =>
      relay.logLines.some(({ msg }) => msg === 'the database cannot be reached yet'),
    )
    expect(relay.child.exitCode ?? relay.child.signalCode).toBeNull()
  })
})

describe.runIf(process.platform === 'linux')('while it loads its modules', () => {
  test('SIGHUP does not end it', async () => {
    const relay = await launchAndCatch()
    relay.child.kill('SIGHUP')
    const { logLines } = await relay.listening()
    await until('the hooks to be read again', () => logLines.some(({ msg }) => msg === 'hooks taken over'))
    expect(logLines.findIndex(({ msg }) => msg === 'listening')).toBe(0)
  })

  test('SIGTERM ends it with 0', async () => {
    const relay = await launchAndCatch()
    relay.child.kill('SIGTERM')
    expect(await relay.ended).toBe(0)
    expect(relay.logLines.map(({ msg }) => msg)).toEqual(['stopped during the start'])
  })
})

describe.runIf(canUnshare())('as the first process of a container', () => {
  test(
    'SIGHUP never ends it, however early it comes, and SIGTERM stops it with 0',
    { timeout: 120_000 },
    async () => {
      for (let turn = 0; turn < 4; turn++) {
        const relay = launchRelay(newSecret(), environmentOn(scratchFolder()), onTestFinished, FIRST_PROCESS)
        const pid = await until('its process', () => childOf(relay.child.pid as number))
        // From the first moment on, until the program catches it.
        do {
          process.kill(pid, 'SIGHUP')
          await setImmediate()
        } while (!catches(pid, SIGHUP))
        await relay.logged('listening')
        process.kill(pid, 'SIGTERM')
        expect(await relay.ended).toBe(0)
      }
    },
  )
})

describe('during a stop that waits for a hook', () => {
  test('the same signal once more right away changes nothing, a later one ends it at once with 1', async () => {
    const receiver = await startReceiver(() => {})
    const hooks = JSON.stringify([{ name: 'one', url: receiver.url }])
    const relay = await startRelayProcess(newSecret(), { ...environmentOn(scratchFolder()), HOOKS: hooks })
    await relay.send(credentialEvent())
    await receiver.hasReceived(1)
    relay.child.kill('SIGINT')
    await until('the stop to begin', () => relay.logLines.some(({ msg }) => msg === 'stopping'))
    relay.child.kill('SIGINT')
    relay.child.kill('SIGHUP')
    await until('the listener to be closed', () =>
      fetch(`${relay.url}/livez`).then(
        () => false,
        () => true,
      ),
    )
    expect(relay.child.exitCode).toBeNull()
    // Those that come within half a second are taken for one.
    const ended = relay.end('SIGINT')
    const again = setInterval(() => relay.child.kill('SIGINT'), 100)
    expect(await ended).toBe(1)
    clearInterval(again)
    expect(relay.logLines.at(-1)).toMatchObject({ msg: 'a second signal ends the stop at once' })
  })
})

function environmentOn(folder: string): Record<string, string> {
  return { DATABASE_URL: `sqlite:${join(folder, 'relay.db')}`, HOOKS: '[]' }
}

/** As in a container, whose kernel gives a first process no signal that it does not catch. Needs rights to make one. */
function canUnshare(): boolean {
  const [command, ...rest] = [...FIRST_PROCESS, 'true']
  return spawnSync(command as string, rest).status === 0
}

function childOf(pid: number): number | undefined {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')) || undefined
}

/** One that has just begun to catch signals, long before it opens its store. */
async function launchAndCatch(): Promise<LaunchedRelay> {
  const relay = launchRelay(newSecret(), environmentOn(scratchFolder()))
  const pid = relay.child.pid as number
  await until('it to catch SIGHUP', () => catches(pid, SIGHUP))
  expect(hasOpen(pid, 'relay.db.lock')).toBe(false)
  return relay
}

/** One that runs, and one that waits for the first to let go of the store. */
async function twoOnOneStore() {
  const receiver = await startReceiver()
  const folder = scratchFolder()
  const hooksFile = join(folder, 'hooks.yaml')
  writeFileSync(hooksFile, 'hooks: []\n')
  const secret = newSecret()
  const environment = { DATABASE_URL: `sqlite:${join(folder, 'relay.db')}`, HOOKS_FILE: hooksFile }
  const launch = () => launchRelay(secret, environment)
  const first = await launch().listening()
  const second = launch()
  await until('the second to wait for the lock', () => hasOpen(second.child.pid as number, 'relay.db.lock'))
  return { first, second, launch, hooksFile, receiver }
}

/** Whether the process has this file open. */
function hasOpen(pid: number, name: string): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith(name)
    } catch {
      // Closed in the meantime.
      return false
    }
  })
}

/** Whether the process has a handler for the signal. */
function catches(pid: number, signal: number): boolean {
  const mask = /SigCgt:\s*([0-9a-f]+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n
}

/** Takes connections and never says a word. */
async function startSilentServer(): Promise<{ url: string; connected: Promise<unknown> }> {
  const server = createServer((socket) => socket.on('error', () => {}).resume())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { url: `postgres://relay@127.0.0.1:${port}/relay`, connected: once(server, 'connection') }
}
