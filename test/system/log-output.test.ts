import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { scratchFolder } from '../support/scratch.ts'
import { MAIN, startUnreadRelay } from '../support/unread-relay.ts'
import type { UnreadRelay, UnreadRelayOptions } from '../support/unread-relay.ts'
import { until } from '../support/until.ts'

// Standard output that cannot be written costs log lines and nothing else.

const DROPPED = 'seam_relay_log_lines_dropped_total'

test('with standard output on /dev/full it works, counts the lost lines and stops as always', async () => {
  const relay = await startHere({ stdout: opened('/dev/full', 'w') })
  expect(await answersOf(relay)).toEqual(AS_ALWAYS)
  await until('lost lines to be counted', async () => (await relay.metric(DROPPED)) > 0)
  expect(await stop(relay)).toBe(0)
})

describe.skipIf(!canMount())('with the log on a disk of its own (needs root)', () => {
  test('a full disk loses lines, and once there is room a line says how many', async () => {
    const disk = tinyDisk()
    const path = join(disk, 'log')
    const relay = await startHere({ stdout: opened(path, 'a') })
    await until('the start to be logged', () => linesOf(path).length === 2)
    fill(join(disk, 'filler'))
    // More than what is left of the log's last block.
    for (let n = 0; n < 40; n++) await relay.send(credentialEvent())
    expect(await answersOf(relay)).toEqual(AS_ALWAYS)
    await until('lost lines to be counted', async () => (await relay.metric(DROPPED)) > 0)

    rmSync(join(disk, 'filler'))
    const told = () =>
      linesOf(path)
        .filter(({ msg }) => msg === 'log lines dropped')
        .reduce((sum, { lines }) => sum + (lines as number), 0)
    const written = () => linesOf(path).filter(({ event_id }) => event_id !== undefined).length
    await until('every lost line to be told of', async () => told() === (await relay.metric(DROPPED)))
    await until('each line to be written or told of as lost', () => told() + written() === 41)
    expect(await stop(relay)).toBe(0)
    expect(linesOf(path).at(-1)).toMatchObject({ msg: 'stopped' })
  })
})

test.each(['pipe', 'socket'] as const)('with a %s whose reader has gone it works and stops', async (kind) => {
  const { stdout, readEnd } = kind === 'pipe' ? fifo() : { stdout: 'pipe' as const, readEnd: null }
  const relay = await startHere({ stdout })
  if (readEnd === null) relay.child.stdout?.destroy()
  else closeSync(readEnd)
  expect(await answersOf(relay)).toEqual(AS_ALWAYS)
  await until('lost lines to be counted', async () => (await relay.metric(DROPPED)) > 0)
  expect(await stop(relay)).toBe(0)
})

test.each(['pipe', 'socket'] as const)(
  'with a %s whose reader has stopped reading it works and stops',
  async (kind) => {
    const { stdout, readEnd } = kind === 'pipe' ? fifo() : { stdout: 'pipe' as const, readEnd: null }
    if (readEnd !== null) onTestFinished(() => closeSync(readEnd))
    const relay = await startHere({ stdout })
    await fillLog(relay)
    expect(await answersOf(relay)).toEqual(AS_ALWAYS)
    expect(await stop(relay)).toBe(0)
  },
)

describe.skipIf(spawnSync('script', ['--version']).status !== 0)('in a terminal (needs script)', () => {
  test('that goes away it works and stops', async () => {
    const terminal = await startInTerminal()
    terminal.close()
    expect(await answersOf(terminal.relay)).toEqual(AS_ALWAYS)
    await until('lost lines to be counted', async () => (await terminal.relay.metric(DROPPED)) > 0)
    expect(await terminal.stop()).toBe(0)
  })

  test('that is not read any more it works and stops', async () => {
    const terminal = await startInTerminal()
    terminal.pause()
    await fillLog(terminal.relay, terminal.pid)
    expect(await answersOf(terminal.relay)).toEqual(AS_ALWAYS)
    expect(await terminal.stop()).toBe(0)
  })
})

test('with standard output closed from the start it works and stops', async () => {
  const command = ['sh', '-c', `exec "${process.execPath}" "${MAIN}" >&-`] as const
  const relay = await startHere({ stdout: 'pipe', command: [...command] })
  expect(await answersOf(relay)).toEqual(AS_ALWAYS)
  expect(await stop(relay)).toBe(0)
})

test('a start that fails says why on standard error and ends with its code, also where that cannot be written', () => {
  const environment = { SEAM_WEBHOOK_SECRET: 'whsec_dG9vIHNob3J0', HOOKS: '[]' }
  const full = opened('/dev/full', 'w')
  const { status } = spawnSync(process.execPath, [MAIN], { env: environment, stdio: ['ignore', full, full] })
  expect(status).toBe(78)
})

const AS_ALWAYS = { webhook: 202, livez: 200, readyz: 200 }

async function answersOf({ send, get }: UnreadRelay): Promise<typeof AS_ALWAYS> {
  return { webhook: await send(credentialEvent()), livez: await get('/livez'), readyz: await get('/readyz') }
}

/** Gives the exit code. A stop that the output held up would last until its bound, which no test waits for. */
async function stop({ child, ended }: UnreadRelay): Promise<number | null> {
  child.kill('SIGTERM')
  return ended
}

function startHere(options: UnreadRelayOptions): Promise<UnreadRelay> {
  const environment = { SHUTDOWN_TIMEOUT_MS: '600000', ...options.environment }
  return startUnreadRelay({ ...options, environment })
}

/** Makes it log more than a pipe, a socket or a terminal holds: each reload of these hooks is refused in one long line. */
async function fillLog({ child, hooksFile, get }: UnreadRelay, pid = child.pid as number): Promise<void> {
  writeFileSync(hooksFile, `hooks:\n${'  - { name: one, url: nowhere }\n'.repeat(500)}`)
  for (let times = 0; times < 8; times++) {
    process.kill(pid, 'SIGHUP')
    // Signals that come together are one.
    expect(await get('/livez')).toBe(200)
  }
}

function linesOf(path: string): Record<string, unknown>[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Record<string, unknown>]
    } catch {
      // The line in which the disk became full is cut.
      return []
    }
  })
}

/** Takes all the room that is left. */
function fill(path: string): void {
  const { stderr } = spawnSync('dd', ['if=/dev/zero', `of=${path}`, 'bs=1k'], { encoding: 'utf8' })
  if (!stderr.includes('No space left')) throw new Error(stderr)
}

function opened(path: string, flags: string | number): number {
  const fd = openSync(path, flags)
  onTestFinished(() => closeSync(fd))
  return fd
}

/** A pipe proper: what Node calls one is a pair of sockets. */
function fifo(): { stdout: number; readEnd: number } {
  const path = join(scratchFolder(), 'pipe')
  execFileSync('mkfifo', [path])
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return { stdout: opened(path, constants.O_WRONLY), readEnd }
}

interface Terminal {
  relay: UnreadRelay
  pid: number
  /** Nobody reads what is written to it any more. */
  pause: () => void
  /** It is gone, as when its window is closed. */
  close: () => void
  /** Gives the exit code. */
  stop: () => Promise<number>
}

/** A shell stands around the program, for its exit code to be known when the terminal is gone. */
async function startInTerminal(): Promise<Terminal> {
  const folder = scratchFolder()
  const [script, pidFile, codeFile] = ['run.sh', 'pid', 'code'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(
    script,
    `trap '' HUP
    "${process.execPath}" "${MAIN}" &
    echo $! > "${pidFile}"
    wait $!
    echo $? > "${codeFile}"`,
  )
  const command = ['script', '--quiet', '--command', `sh ${script}`, '/dev/null'] as const
  const relay = await startHere({ stdout: 'ignore', command: [...command] })
  const pid = Number(readFileSync(pidFile, 'utf8'))
  onTestFinished(() => {
    if (!existsSync(codeFile)) process.kill(pid, 'SIGKILL')
  })
  return {
    relay,
    pid,
    pause: () => relay.child.kill('SIGSTOP'),
    close: () => relay.child.kill('SIGKILL'),
    async stop() {
      process.kill(pid, 'SIGTERM')
      await until('the relay to end', () => existsSync(codeFile) && readFileSync(codeFile, 'utf8') !== '')
      return Number(readFileSync(codeFile, 'utf8'))
    },
  }
}

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'seam-relay-disk-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder])
  if (status === 0) execFileSync('umount', [folder])
  rmdirSync(folder)
  return status === 0
}

/** A file system of 64 KiB that goes when the test has finished. */
function tinyDisk(): string {
  const folder = scratchFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder])
  // Lazily: the log may be open still.
  onTestFinished(() => void execFileSync('umount', ['--lazy', folder]))
  return folder
}
