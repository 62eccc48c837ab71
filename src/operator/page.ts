import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { extname } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Page } from './operator-listener.ts'

/** One file of the page, as it is served. */
export interface PageFile {
  /** The path of its URL. */
  path: string
  type: string
  body: Buffer
  /** Changes with the content, so that a browser asks each time and loads only what is new. */
  etag: string
}

const FOLDER = new URL('./page/', import.meta.url)
const PACKAGES = new URL('../../node_modules/', import.meta.url)

/** What the page imports by name, as its import map says. The packages ship these files ready for browsers. */
const LIBRARIES: Record<string, string> = {
  'preact.js': 'preact/dist/preact.mjs',
  'preact-hooks.js': 'preact/hooks/dist/hooks.mjs',
  'htm.js': 'htm/dist/htm.mjs',
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/**
 * Everything that the page consists of, read once. No file is looked for by a name out of a request.
 * @throws {Error} if a file is missing, so that the start fails and not the first visit
 */
export function readPageFiles(): PageFile[] {
  const own = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((name) => extname(name) in TYPES)
    .map((name) => pageFile(name === 'index.html' ? '/' : `/page/${name}`, new URL(name, FOLDER)))
  const libraries = Object.entries(LIBRARIES).map(([name, path]) =>
    pageFile(`/page/lib/${name}`, new URL(path, PACKAGES)),
  )
  return [...own, ...libraries]
}

/** The page for browsers, read and ready to be served. */
export function openPage(): Page {
  const files = readPageFiles()
  return { policy: policyOf(files), serve: (app) => serve(app, files) }
}

/** None of it is secret: who may see the data is decided by the calls that the page makes. */
function serve(app: FastifyInstance, files: readonly PageFile[]): void {
  for (const { path, type, body, etag } of files) {
    app.get(path, { schema: { hide: true } }, (request, reply) => {
      reply.header('etag', etag).header('cache-control', 'no-cache')
      if (request.headers['if-none-match'] === etag) return reply.code(304).send()
      return reply.type(type).send(body)
    })
  }
}

/**
 * The content security policy that the page needs and no more: everything from this listener, its import map by its
 * hash, no text that becomes markup or a script.
 */
function policyOf(files: readonly PageFile[]): Record<string, string[]> {
  return {
    'default-src': ["'none'"],
    'script-src': ["'self'", ...inlineScriptHashes(files)],
    'style-src': ["'self'"],
    'img-src': ["'self'"],
    'connect-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
    'require-trusted-types-for': ["'script'"],
    'trusted-types': ["'none'"],
  }
}

/** An import map has to stand in the page itself, and the policy allows what stands there only by its hash. */
function inlineScriptHashes(files: readonly PageFile[]): string[] {
  const html = files.find(({ path }) => path === '/')?.body.toString() ?? ''
  return [...html.matchAll(/<script type="importmap">([^]*?)<\/script>/g)].map(
    ([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  )
}

function pageFile(path: string, location: URL): PageFile {
  const body = withoutDocstrings(readFileSync(location, 'utf8'))
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`
  return { path, type: TYPES[path === '/' ? '.html' : extname(path)] ?? '', body, etag }
}

/** They are for who reads the source. The line breaks stay, so that a line's number in a browser is the file's. */
function withoutDocstrings(text: string): Buffer {
  return Buffer.from(text.replaceAll(/^\t*\/\*\*[^]*?\*\/$/gm, (comment) => comment.replaceAll(/[^\n]/g, '')))
}
