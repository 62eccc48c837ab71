import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { expect, test } from 'vitest'
import { startRelay } from '../support/relay.ts'

const ROUTES = resolve(import.meta.dirname, '../../src/operator/api')
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

test('every call that there is under /api is in it', async () => {
  const { app } = await startRelay()
  const { paths } = (await app.operatorListener.inject('/openapi.json')).json<Document>()
  const described = Object.keys(paths).map((path) => path.replaceAll(/\{(\w+)\}/g, ':$1'))
  const written = readdirSync(ROUTES)
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...readFileSync(join(ROUTES, name), 'utf8').matchAll(/^ +'(\/api\/[^']+)',$/gm)])
    .map(([, path]) => path as string)
  expect(written.length).toBeGreaterThan(20)
  expect(written.filter((path) => !described.includes(path))).toEqual([])
})
