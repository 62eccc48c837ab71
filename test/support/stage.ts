import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import type { TestContext } from 'vitest'
import { hooksOf } from './hooks.ts'
import { startPostgresServer } from './postgres-server.ts'
import type { PostgresServer } from './postgres-server.ts'
import { sql } from './postgres.ts'
import { Receiver } from './receiver.ts'
import type { Behaviour } from './receiver.ts'
import { launchRelay } from './relay-process.ts'
import type { LaunchedRelay, RelayProcess } from './relay-process.ts'
import { newSecret } from './signed-webhook.ts'
import { startTcpProxy } from './tcp-proxy.ts'
import type { TcpProxy } from './tcp-proxy.ts'

/** Of each relay, when its test has failed. */
const LINES_TOLD = 20

/**
 * Everything that a test of several processes starts, stopped when that test has finished. For tests that run
 * concurrently: Vitest's global `onTestFinished` does not know which of them called it.
 */
export class Stage {
  readonly secret = newSecret()
  readonly #cleanUps: (() => Promise<unknown>)[] = []

  readonly #launched: LaunchedRelay[] = []

  /** @param context the context of the test that the stage is for */
  constructor({ onTestFinished, onTestFailed }: Pick<TestContext, 'onTestFinished' | 'onTestFailed'>) {
    // What a wait was in vain for is seldom said by the wait.
    onTestFailed(() => {
      for (const [index, { logLines }] of this.#launched.entries())
        process.stderr.write(`relay ${index + 1} logged last:\n${textOf(logLines.slice(-LINES_TOLD))}\n`)
    })
    onTestFinished(async () => {
      // In reverse order: a database can be dropped once the relays that use it have stopped.
      for (const cleanUp of this.#cleanUps.reverse()) await cleanUp()
    })
  }

  /** The URL of an empty database on the server that all tests share. */
  async database(): Promise<string> {
    const serverUrl = inject('postgresUrl')
    const name = `seam_relay_test_${randomBytes(8).toString('hex')}`
    await sql(serverUrl, `create database ${name} template template0 strategy file_copy`)
    this.#cleanUps.push(() => sql(serverUrl, `drop database ${name} with (force)`))
    const url = new URL(serverUrl)
    url.pathname = name
    return url.href
  }

  /** A server that the test may stop. */
  async server(options?: { durable?: boolean }): Promise<PostgresServer> {
    const server = await startPostgresServer({ program: inject('postgresProgram'), ...options })
    this.#cleanUps.push(() => server.remove())
    return server
  }

  async proxy(target: string): Promise<TcpProxy> {
    const proxy = await startTcpProxy(target)
    this.#cleanUps.push(() => proxy.stop())
    return proxy
  }

  async receiver(behaviour?: Behaviour): Promise<Receiver> {
    const receiver = await Receiver.start(behaviour)
    this.#cleanUps.push(() => receiver.stop())
    return receiver
  }

  /** Starts a relay. All relays of a stage have the same signing secret. */
  launch(
    databaseUrl: string,
    hooks: readonly object[],
    environment: Record<string, string> = {},
  ): LaunchedRelay {
    const relay = launchRelay(
      this.secret,
      { DATABASE_URL: databaseUrl, ...hooksOf(...hooks), ...environment },
      (cleanUp) => void this.#cleanUps.push(cleanUp),
    )
    this.#launched.push(relay)
    return relay
  }

  /** Starts a relay and waits until it listens. */
  relay(
    databaseUrl: string,
    hooks: readonly object[],
    environment?: Record<string, string>,
  ): Promise<RelayProcess> {
    return this.launch(databaseUrl, hooks, environment).listening()
  }
}

function textOf(lines: readonly object[]): string {
  return lines.map((line) => JSON.stringify(line)).join('\n')
}
