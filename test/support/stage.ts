import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import type { TestContext } from 'vitest'
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

/**
 * What a test of several processes brings up, all of which goes when that test has finished. For tests that run
 * beside each other: Vitest's global `onTestFinished` does not know which of them it is called in.
 */
export class Stage {
  readonly secret = newSecret()
  readonly #cleanUps: (() => Promise<unknown>)[] = []

  /** @param context of the test that it is for */
  constructor({ onTestFinished }: Pick<TestContext, 'onTestFinished'>) {
    onTestFinished(async () => {
      // The last first: a database can go once those that use it have gone.
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

  /** The relays of a stage have the same signing secret. */
  launch(
    databaseUrl: string,
    hooks: readonly object[],
    environment: Record<string, string> = {},
  ): LaunchedRelay {
    return launchRelay(
      this.secret,
      { DATABASE_URL: databaseUrl, HOOKS: JSON.stringify(hooks), ...environment },
      (cleanUp) => void this.#cleanUps.push(cleanUp),
    )
  }

  relay(
    databaseUrl: string,
    hooks: readonly object[],
    environment?: Record<string, string>,
  ): Promise<RelayProcess> {
    return this.launch(databaseUrl, hooks, environment).listening()
  }
}
