import type { TestProject } from 'vitest/node'
import { startPostgresServer } from './postgres-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A database on a server where tests may create further ones. */
    postgresUrl: string
    /** The folder of the server's program, for tests that start a server of their own; `undefined` if ours was not started. */
    postgresProgram: string | undefined
  }
}

/** One Postgres server for the whole run, or the one that `TEST_DATABASE_URL` names. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | void> {
  const given = process.env['TEST_DATABASE_URL']
  if (given) {
    project.provide('postgresUrl', given)
    project.provide('postgresProgram', undefined)
    return
  }
  const server = await startPostgresServer()
  project.provide('postgresUrl', server.url())
  project.provide('postgresProgram', server.program)
  return () => server.remove()
}
