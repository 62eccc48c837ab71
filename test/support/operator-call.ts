import { Compile } from 'typebox/compile'
import { expect } from 'vitest'
import type { App } from '../../src/app.ts'

export interface Call {
  method: 'GET' | 'POST' | 'DELETE'
  /** With `{name}` in place of a part that varies. */
  path: string
  query: Parameter[]
  body: { properties?: Record<string, unknown>; required?: string[] } | null
}

interface Parameter {
  name: string
  in: string
  required?: boolean
}

interface Operation {
  parameters?: Parameter[]
  requestBody?: { content: { 'application/json': { schema: NonNullable<Call['body']> } } }
  responses?: Record<string, { content?: { 'application/json'?: { schema: object } } }>
}

/** What an answer holds. Each is held to its schema, so tests look into it without further ado. */
export type Json = ReturnType<typeof JSON.parse>

interface Answer {
  status: number
  body: Record<string, Json>
  text: string
}

export interface Operator {
  get(url: string): Promise<Answer>
  post(url: string, body?: object): Promise<Answer>
  remove(url: string): Promise<Answer>
  /** Every call that the OpenAPI document describes. */
  calls: Call[]
}

/** Calls the operator's API, and holds each answer that is no problem to the schema that the OpenAPI document gives for it. */
export async function operatorOf({ operatorListener }: App, token?: string): Promise<Operator> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const document = await operatorListener.inject({ url: '/openapi.json', headers })
  const { paths } = document.json<{ paths: Record<string, Record<string, Operation>> }>()

  async function call(method: Call['method'], url: string, body?: object): Promise<Answer> {
    const payload = body === undefined ? {} : { payload: body }
    const answer = await operatorListener.inject({ method, url, headers, ...payload })
    const status = answer.statusCode
    const parsed = answer.json<Answer['body']>()
    if (status < 400) expectDescribed(method, url, status, parsed)
    else expect(parsed).toMatchObject({ status, code: expect.any(String) as string })
    return { status, body: parsed, text: answer.body }
  }

  function expectDescribed(method: string, url: string, status: number, body: unknown): void {
    const { pathname } = new URL(url, 'http://localhost')
    const path = Object.keys(paths).find((one) =>
      new RegExp(`^${one.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
    )
    const operation = path === undefined ? undefined : paths[path]?.[method.toLowerCase()]
    const schema = operation?.responses?.[status]?.content?.['application/json']?.schema
    if (schema === undefined) throw new Error(`${method} ${url} ${status} is not described`)
    const validator = Compile(schema)
    expect(validator.Check(body) ? [] : validator.Errors(body)).toEqual([])
  }

  return {
    get: (url) => call('GET', url),
    post: (url, body = {}) => call('POST', url, body),
    remove: (url) => call('DELETE', url),
    calls: Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase() as Call['method'],
        path,
        query: (operation.parameters ?? []).filter((one) => one.in === 'query'),
        body: operation.requestBody?.content['application/json'].schema ?? null,
      })),
    ),
  }
}
