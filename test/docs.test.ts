import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { HookSchema } from '../src/config/hook.ts'
import { migrate } from '../src/store/sqlite/migrations.ts'

const ROOT = resolve(import.meta.dirname, '..')

/** Every document, by its path from the project's folder. */
const documents = new Map(
  [
    ...readdirSync(ROOT),
    ...['docs', 'deploy'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(folder, name),
      ),
    ),
  ]
    .filter((path) => path.endsWith('.md'))
    .map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]),
)

/** Variables that the documents name and that are not settings of seam-relay, each with whose they are. */
const FOREIGN_VARIABLES = new Map([
  ['PGPASSWORD', 'the Postgres driver'],
  ['NO_COLOR', 'every program that writes to a terminal'],
  ['TEST_DATABASE_URL', 'the tests'],
  ['ACCESS_LOG_SECRET', 'an example: a reader names it'],
  ['ACCESS_LOG_TOKEN', 'an example: a reader names it'],
  ['PRINTER_TOKEN', 'an example: a reader names it'],
  ['HOOK_SECRET', 'an example: the receivers in deploy/ read it'],
])
/** Words in capitals with an underscore that name no variable. */
const PLACEHOLDERS = new Set(['EVENT_ID', 'WEBHOOK_ID', 'PROJECT_'])

const configuration = documents.get('docs/configuration.md') ?? ''
/** Each setting of `.env.example`, with the value that stands there. */
const settings = new Map(
  [...readFileSync(join(ROOT, '.env.example'), 'utf8').matchAll(/^(?:# )?([A-Z][A-Z_]*)=(.*)$/gm)].map(
    ([, name, value]) => [name as string, value as string],
  ),
)

describe('links', () => {
  test('every relative link of a document leads to a file', () => {
    const broken = [...documents].flatMap(([path, text]) =>
      linksOf(path, text)
        .filter(({ target }) => !existsSync(join(ROOT, target)))
        .map(({ written }) => `${path}: ${written}`),
    )
    expect(broken).toEqual([])
  })

  test('every anchor is a heading of the document that it points into', () => {
    const broken = [...documents].flatMap(([path, text]) =>
      linksOf(path, text)
        .filter(({ target, anchor }) => anchor !== '' && !anchorsOf(target).has(anchor))
        .map(({ written }) => `${path}: ${written}`),
    )
    expect(broken).toEqual([])
  })

  test('every document can be reached from the README', () => {
    const reached = new Set<string>()
    const open = ['README.md']
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      if (reached.has(path)) continue
      reached.add(path)
      const targets = linksOf(path, documents.get(path) ?? '').map(({ target }) => target)
      open.push(...targets.filter((target) => documents.has(target)))
    }
    expect([...documents.keys()].filter((path) => !reached.has(path))).toEqual([])
  })

  test.each([
    ['A dead letter, what now?', 'a-dead-letter-what-now'],
    ["A delivery in a process's prefetch window", 'a-delivery-in-a-processs-prefetch-window'],
    ['`deliveries`: what each hook is to get', 'deliveries-what-each-hook-is-to-get'],
  ])('the anchor of "%s" is the one that GitHub makes', (heading, anchor) => {
    expect(anchorOf(heading)).toBe(anchor)
  })

  test('a link in a code block is no link, and one in a table is', () => {
    const text = '```\n[a](b.md)\n```\n| [c](d.md#e) | `[f](g.md)` |\n'
    expect(linksOf('docs/x.md', text)).toEqual([{ written: 'd.md#e', target: 'docs/d.md', anchor: 'e' }])
  })
})

describe('settings', () => {
  test('every environment variable that a document names is in .env.example', () => {
    const unknown = [...documents].flatMap(([path, text]) =>
      variablesOf(text)
        .filter((name) => !settings.has(name) && !FOREIGN_VARIABLES.has(name))
        .map((name) => `${path}: ${name}`),
    )
    expect(unknown).toEqual([])
  })

  test('every variable that is allowed as foreign is still named somewhere', () => {
    const named = new Set([...documents.values()].flatMap(variablesOf))
    expect([...FOREIGN_VARIABLES.keys()].filter((name) => !named.has(name))).toEqual([])
  })

  test.each([...settings.keys()])('%s has a row in docs/configuration.md', (name) => {
    expect(rowOf(name)).toBeDefined()
  })

  // What stands in .env.example behind a name is its default, unless it is empty or the example of a hook.
  test.each([...settings].filter(([, value]) => value !== '' && !value.startsWith("'")))(
    'docs/configuration.md gives the default of %s: %s',
    (name, value) => {
      expect(cellsOf(rowOf(name))[1]).toBe(`\`${value}\``)
    },
  )

  test.each(hookSettings())(
    "the hook setting $name has a row in docs/configuration.md, with the schema's default and limits",
    ({ name, schema }) => {
      const [, fallback, values = ''] = cellsOf(rowOf(name))
      expect(fallback).toBeDefined()
      const numbers = [schema.minimum, schema.maximum, schema.maxItems].filter((one) => one !== undefined)
      const missing = numbers.filter((limit) => !new RegExp(`\\b${limit}\\b`).test(values))
      const defaults = [schema.default].filter((one) => typeof one === 'number')
      const otherwise = defaults.filter((one) => fallback !== `\`${one}\``)
      expect({ missing, otherwise }).toEqual({ missing: [], otherwise: [] })
    },
  )

  test.each([
    ['`SHUTDOWN_TIMEOUT_MS` bounds it', ['SHUTDOWN_TIMEOUT_MS']],
    ['export PGPASSWORD=…', ['PGPASSWORD']],
    ['set `HOST` and `PORT`', ['HOST', 'PORT']],
    ['a `POST` with `SIGHUP` and `ECONNREFUSED`', []],
    ["'${ACCESS_LOG_SECRET}'", ['ACCESS_LOG_SECRET']],
    ['where EVENT_ID stands for an id', []],
  ])('in %j the variables are seen', (text, names) => {
    expect(variablesOf(text)).toEqual(names)
  })
})

test('docs/tables.md explains every table and column that the store has', () => {
  const sections = (documents.get('docs/tables.md') ?? '').split(/^## /m)
  const unexplained = storeColumns()
    // Their columns are explained in the text.
    .filter(({ table }) => !['heartbeat', 'schema_version'].includes(table))
    .filter(({ table, column }) => {
      const section = sections.find((one) => one.startsWith(`\`${table}\``)) ?? ''
      return !section.split('\n').some((line) => cellsOf(line)[0] === `\`${column}\``)
    })
  expect(unexplained).toEqual([])
})

test('every source file that a document names is there', () => {
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(
      (name) => `/${folder}/${name}`,
    ),
  )
  const missing = [...documents].flatMap(([path, text]) =>
    [...text.matchAll(/`([\w./-]+\.ts)`/g)]
      .map(([, name]) => name as string)
      .filter((name) => !files.some((file) => file.endsWith(`/${name}`)))
      .map((name) => `${path}: ${name}`),
  )
  expect(missing).toEqual([])
})

test('the README can be read in ten minutes: it has at most 140 lines', () => {
  expect((documents.get('README.md') ?? '').trimEnd().split('\n').length).toBeLessThanOrEqual(140)
})

interface Link {
  written: string
  /** From the project's folder. */
  target: string
  anchor: string
}

/** The links into the project itself. */
function linksOf(path: string, text: string): Link[] {
  const prose = withoutFences(text).replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, written]) => written as string)
    .filter((written) => !/^[a-z]+:/.test(written))
    .map((written) => {
      const [file = '', anchor = ''] = written.split('#')
      const target = file === '' ? path : relative(ROOT, resolve(ROOT, dirname(path), file))
      return { written, target, anchor }
    })
}

function anchorsOf(path: string): Set<string> {
  const headings = withoutFences(documents.get(path) ?? '').matchAll(/^#{1,6} (.+)$/gm)
  return new Set([...headings].map(([, heading]) => anchorOf(heading as string)))
}

/** As GitHub makes it: lower case, no punctuation, a hyphen for each space. */
function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
}

function withoutFences(text: string): string {
  return text.replaceAll(/^ *```[^]*?^ *```$/gm, '')
}

/** Words in capitals with an underscore; without one, only where a name of ours or a foreign one stands in code. */
function variablesOf(text: string): string[] {
  const long = [...text.matchAll(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]*)+\b/g)].map(([name]) => name)
  const short = [...text.matchAll(/`([A-Z]+)`|\b([A-Z]{4,})=/g)].map(([, quoted, set]) => quoted ?? set ?? '')
  const known = (name: string) => settings.has(name) || FOREIGN_VARIABLES.has(name)
  return [...new Set([...long.filter((name) => !PLACEHOLDERS.has(name)), ...short.filter(known)])]
}

/** The row of a table whose first cell is this name. */
function rowOf(name: string): string | undefined {
  return configuration.split('\n').find((line) => cellsOf(line)[0] === `\`${name}\``)
}

function cellsOf(line = ''): string[] {
  if (!line.startsWith('|')) return []
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}

interface SettingSchema {
  default?: unknown
  minimum?: number
  maximum?: number
  maxItems?: number
  properties?: Record<string, SettingSchema>
}

/** Every setting of a hook by its name, those inside another as `retry.maxDelayMs`. */
function hookSettings(): { name: string; schema: SettingSchema }[] {
  const settingsOf = (properties: Record<string, SettingSchema>, prefix: string) =>
    Object.entries(properties).flatMap(([name, schema]): { name: string; schema: SettingSchema }[] =>
      schema.properties === undefined
        ? [{ name: `${prefix}${name}`, schema }]
        : settingsOf(schema.properties, `${prefix}${name}.`),
    )
  return settingsOf(HookSchema.properties as Record<string, SettingSchema>, '')
}

/** Every column of a new SQLite store. */
function storeColumns(): { table: string; column: string }[] {
  const db = new DatabaseSync(':memory:')
  migrate(db)
  const columns = db
    .prepare(
      `select t.name as "table", c.name as "column" from sqlite_schema t join pragma_table_info(t.name) c
       where t.type = 'table' and t.name not like 'sqlite_%'`,
    )
    .all() as { table: string; column: string }[]
  db.close()
  return columns
}
