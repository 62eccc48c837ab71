import { resolve } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { expect, test } from 'vitest'
import { startRelay } from '../support/relay.ts'

const COMMITTED = resolve(import.meta.dirname, '../../docs/openapi.json')

interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
}

interface Operation {
  summary?: string
  tags?: string[]
  responses: Record<string, { content?: unknown }>
}

test('docs/openapi.json is what the listener answers: `npm run openapi` writes it anew', async () => {
  const { app } = await startRelay()
  const answer = await app.operatorListener.inject('/openapi.json')
  const options = { ...(await resolveConfig(COMMITTED)), filepath: COMMITTED }
  await expect(await format(answer.body, options)).toMatchFileSnapshot(COMMITTED)
})

test('it is OpenAPI 3.1, and tells of every call what it is for and what it answers', async () => {
  const { app } = await startRelay()
  const { openapi, paths } = (await app.operatorListener.inject('/openapi.json')).json<Document>()
  expect(openapi).toBe('3.1.0')
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ call: `${method} ${path}`, operation })),
  )
  expect(operations.length).toBeGreaterThan(20)
  const bare = operations.filter(({ operation: { summary, tags } }) => !summary || tags?.length !== 1)
  expect(bare.map(({ call }) => call)).toEqual([])
})

test('every call that the listener has under /api is in it', async () => {
  const { app } = await startRelay()
  const { paths } = (await app.operatorListener.inject('/openapi.json')).json<Document>()
  const described = Object.keys(paths).map((path) => path.replaceAll(/\{(\w+)\}/g, ':$1'))
  const routes = [...app.operatorListener.printRoutes({ commonPrefix: false }).matchAll(/(\/api\/\S+) \(/g)]
  expect(routes.length).toBeGreaterThan(20)
  expect(routes.map(([, path]) => path).filter((path) => !described.includes(path as string))).toEqual([])
})
