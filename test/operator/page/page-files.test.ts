import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { openPage, readPageFiles } from '../../../src/operator/page.ts'

const files = readPageFiles()
const ours = files.filter(({ path }) => !path.startsWith('/page/lib/'))

test('the whole page, its libraries included, is smaller than 120 kB', () => {
  expect(files.reduce((total, { body }) => total + body.length, 0)).toBeLessThan(120_000)
})

test('docstrings are not sent, and every line keeps its number', () => {
  for (const { path, body } of ours.filter((file) => file.type.startsWith('text/javascript'))) {
    const source = readFileSync(new URL(`../../../src/operator${path}`, import.meta.url), 'utf8')
    const sent = body.toString()
    expect([path, sent.includes('/**')]).toEqual([path, false])
    expect([path, sent.split('\n').length]).toEqual([path, source.split('\n').length])
  }
})

test('text never becomes markup: no file uses what would do that', () => {
  const using = ours.filter(({ body }) =>
    /innerHTML|outerHTML|insertAdjacent|dangerously|document\.write|createContextualFragment|\beval\b|new Function|srcdoc|javascript:/i.test(
      body.toString(),
    ),
  )
  expect(using.map(({ path }) => path)).toEqual([])
})

test('nothing comes from elsewhere: no file names another origin', () => {
  const naming = ours
    // The name of a format, which nobody fetches.
    .map(({ path, body }) => ({ path, text: body.toString().replaceAll('http://www.w3.org/2000/svg', '') }))
    .filter(({ text }) => /https?:\/\/|["'(]\/\//.test(text.replaceAll('https://YOUR-HOST', '')))
  expect(naming.map(({ path }) => path)).toEqual([])
})

test('every file that the page loads is there', () => {
  const paths = new Set(files.map(({ path }) => path))
  const imported = ours.flatMap(({ path, body }) =>
    [...body.toString().matchAll(/(?:from |import )'(\.[^']+)'|(?:href|src|": )="?(\/page\/[^"]+)"/g)].map(
      ([, relative, absolute]) => new URL(relative ?? absolute ?? '', `http://page${path}`).pathname,
    ),
  )
  expect(imported.length).toBeGreaterThan(100)
  expect(imported.filter((path) => !paths.has(path))).toEqual([])
})

describe('as it is served', () => {
  const page = openPage()
  const app = fastify()
  page.serve(app)

  test('each file has its type, and is asked for anew each time', async () => {
    const types = await Promise.all(
      ['/', '/page/style.css', '/page/main.js', '/page/icon.svg', '/page/lib/preact.js'].map(async (url) => {
        const { statusCode, headers } = await app.inject(url)
        return [statusCode, headers['content-type'], headers['cache-control']]
      }),
    )
    expect(types).toEqual([
      [200, 'text/html; charset=utf-8', 'no-cache'],
      [200, 'text/css; charset=utf-8', 'no-cache'],
      [200, 'text/javascript; charset=utf-8', 'no-cache'],
      [200, 'image/svg+xml', 'no-cache'],
      [200, 'text/javascript; charset=utf-8', 'no-cache'],
    ])
  })

  test('what a browser has already is not sent again', async () => {
    const first = await app.inject('/page/main.js')
    const headers = { 'if-none-match': String(first.headers.etag) }
    const again = await app.inject({ url: '/page/main.js', headers })
    expect([again.statusCode, again.body]).toEqual([304, ''])
    expect((await app.inject({ url: '/page/frame.js', headers })).statusCode).toBe(200)
  })

  test('no path leads out of the list of files', async () => {
    for (const url of ['/page/', '/page/../page.ts', '/page/%2e%2e/page.ts', '/page/lib/../../page.ts']) {
      expect((await app.inject(url)).statusCode).toBe(404)
    }
  })

  test('the policy allows no inline script but the import map, by its hash', async () => {
    const html = (await app.inject('/')).body
    const [map = '', ...others] = [...html.matchAll(/<script[^>]*>([^]+?)<\/script>/g)].map(
      ([, text]) => text,
    )
    expect(others).toEqual([])
    const hash = createHash('sha256').update(map).digest('base64')
    expect(page.policy['script-src']).toEqual(["'self'", `'sha256-${hash}'`])
    expect(JSON.stringify(page.policy)).not.toMatch(/unsafe|https?:|\*/)
    expect(html).not.toMatch(/\son\w+=|style=/)
  })
})
