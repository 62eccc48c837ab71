import type { TestProject } from 'vitest/node'
import { startPostgresServer } from './postgres-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a database on a server where more of them may be created. */
    postgresUrl: string
  }
}

/** One server for the whole run. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | void> {
  const given = process.env['TEST_DATABASE_URL']
  if (given) {
    project.provide('postgresUrl', given)
    return
  }
  const server = await startPostgresServer()
  project.provide('postgresUrl', server.url())
  return () => server.remove()
}
