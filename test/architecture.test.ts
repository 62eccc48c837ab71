import { readFileSync, readdirSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const SRC = resolve(import.meta.dirname, '../src')

/**
 * What a room may import besides itself, by the beginning of the path under src/. A room is a folder, or a file
 * directly in src/. `config.ts` and `config/` are one room.
 */
const ROOMS: Record<string, string[]> = {
  time: [],
  events: [],
  config: ['events/'],
  store: ['time/', 'events/'],
  observability: ['time/', 'config', 'store/store.ts', 'store/records.ts'],
  http: ['time/'],
  ingest: [
    'time/',
    'events/',
    'store/store.ts',
    'store/records.ts',
    'config',
    'observability/',
    'http/',
    'version.ts',
  ],
  delivery: [
    'time/',
    'events/',
    'store/store.ts',
    'store/records.ts',
    'config',
    'observability/',
    'http/',
    'version.ts',
  ],
  reconcile: [
    'time/',
    'events/',
    'store/reconciliations.ts',
    'store/fingerprint.ts',
    'config',
    'observability/',
    'http/',
    'version.ts',
  ],
  retention: ['time/', 'store/store.ts'],
  replays: ['time/', 'store/store.ts', 'store/replay-jobs.ts'],
  operator: [
    'time/',
    'events/',
    'store/store.ts',
    'store/replay-jobs.ts',
    'store/reader.ts',
    'store/listings.ts',
    'store/records.ts',
    'config',
    'observability/',
    'version.ts',
    'http/',
    'ingest/',
    'delivery/',
    'reconcile/',
  ],
  alerts: [
    'time/',
    'events/',
    'store/store.ts',
    'config',
    'observability/',
    'version.ts',
    'ingest/',
    'delivery/',
    'reconcile/',
  ],
  'version.ts': [],
  'app.ts': [
    'time/',
    'events/',
    'store/',
    'config',
    'observability/',
    'version.ts',
    'ingest/',
    'delivery/',
    'reconcile/',
    'retention/',
    'replays/',
    'operator/',
    'alerts/',
  ],
  process: ['time/', 'app.ts', 'config', 'observability/'],
  'main.ts': ['time/', 'app.ts', 'config', 'observability/', 'process/', 'version.ts'],
  // A command of its own, which carries one store to the other and so knows how each holds what it holds.
  'migrate-store': ['time/', 'store/', 'config/mistake.ts', 'config/store-location.ts'],
  // For people at a terminal: reads all others, and none of them imports it.
  commands: [
    'time/',
    'events/',
    'config',
    'store/',
    'http/',
    'ingest/',
    'delivery/',
    'operator/',
    'reconcile/',
    'migrate-store/',
    'version.ts',
  ],
}

const sources = new Map(
  readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => [path, readFileSync(join(SRC, path), 'utf8')]),
)
/** The demo is a reader's way in, not a part of the relay. */
const relaySources = [...sources].filter(([path]) => !path.startsWith('demo/'))

test('imports point one way: each room imports only what it may', () => {
  const strays = relaySources.flatMap(([path, source]) => {
    const allowed = ROOMS[roomOf(path)] ?? []
    return importsOf(path, source)
      .filter((target) => roomOf(target) !== roomOf(path))
      .filter((target) => !allowed.some((beginning) => target.startsWith(beginning)))
      .map((target) => `${path} imports ${target}`)
  })
  expect(strays).toEqual([])
})

test('every file stands in a room that has its rule', () => {
  expect(relaySources.map(([path]) => path).filter((path) => !(roomOf(path) in ROOMS))).toEqual([])
})

test('only app.ts, the move from one store to the other, and the doctor know a concrete store', () => {
  const knowing = [...sources].filter(([path, source]) =>
    importsOf(path, source).some((target) => inConcreteStore(target) && !inConcreteStore(path)),
  )
  expect(new Set(knowing.map(([path]) => roomOf(path)))).toEqual(
    new Set(['app.ts', 'migrate-store', 'commands']),
  )
})

test.each(['demo', 'commands'])('nothing imports the %s', (room) => {
  const importing = [...sources].filter(
    ([path, source]) =>
      roomOf(path) !== room && importsOf(path, source).some((target) => target.startsWith(`${room}/`)),
  )
  expect(importing.map(([path]) => path)).toEqual([])
})

test('only the two programs that are configured by it read the environment, and what adds .env to it', () => {
  const reading = relaySources.filter(([, source]) => readsEnvironment(source))
  expect(reading.map(([path]) => path).sort()).toEqual(['commands/main.ts', 'config/dot-env.ts', 'main.ts'])
})

test('only the clock reads the time and sets timers', () => {
  const reading = relaySources.filter(([, source]) => usesTime(source)).map(([path]) => path)
  expect(reading).toEqual(['time/clock.ts'])
})

test('a file is named for its idea, not for the kind of things in it', () => {
  const vague = [...sources.keys()].filter((path) =>
    path.split('/').some((part) => /^(utils?|helpers?|types?|common|shared|misc|index)(\.ts)?$/.test(part)),
  )
  expect(vague).toEqual([])
  const names = [...sources.keys()].map((path) => basename(path))
  expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(name))).toEqual([])
})

describe('what these rules look for is seen', () => {
  test.each([
    ["import { a } from '../store/store.ts'", 'store/store.ts'],
    ["import type { A } from '../store/store.ts'", 'store/store.ts'],
    ["import {\n  a,\n  type B,\n} from '../store/store.ts'", 'store/store.ts'],
    ["import * as all from './receive.ts'", 'ingest/receive.ts'],
    ["import one, { two } from './receive.ts'", 'ingest/receive.ts'],
    ["import '../app.ts'", 'app.ts'],
    ["export { a } from './receive.ts'", 'ingest/receive.ts'],
    ["export type { A } from './receive.ts'", 'ingest/receive.ts'],
    ["export * from './receive.ts'", 'ingest/receive.ts'],
    ["const a = await import('../config.ts')", 'config.ts'],
    ["type A = import('../config.ts').A", 'config.ts'],
    ["new Worker(new URL('./worker.ts', import.meta.url))", 'ingest/worker.ts'],
    ['import { a } from "../config/hook.ts"', 'config/hook.ts'],
  ])('in %j', (source, target) => {
    expect(importsOf('ingest/gate.ts', source)).toEqual([target])
  })

  test.each(["import fastify from 'fastify'", "import data from '../../package.json' with { type: 'json' }"])(
    'and nothing in %j',
    (source) => {
      expect(importsOf('ingest/gate.ts', source)).toEqual([])
    },
  )

  test('in the sources themselves', () => {
    expect(importsOf('ingest/receive.ts', sources.get('ingest/receive.ts') ?? '')).toContain('store/store.ts')
    expect(importsOf('store/store.ts', sources.get('store/store.ts') ?? '')).toEqual([
      'events/judge.ts',
      'store/replay-jobs.ts',
      'store/records.ts',
      'store/reconciliations.ts',
    ])
  })

  test.each([
    'const now = Date.now()',
    'const now = new Date()',
    'const now = new Date',
    'const now = Date()',
    'const since = performance.now()',
    'const { now } = performance',
    'const timer = setTimeout(end, 10)',
    'setInterval(look, 10).unref()',
    "import { setTimeout as delay } from 'node:timers/promises'",
    "import { setTimeout } from 'timers'",
    "import { performance } from 'node:perf_hooks'",
    'const signal = AbortSignal.timeout(1000)',
    'const start = process.hrtime.bigint()',
    'const seconds = process.uptime()',
  ])('where time is used: %s', (source) => {
    expect(usesTime(source)).toBe(true)
  })

  test.each([
    'const at = new Date(atMs)',
    'const now = clock.steadyMs()',
    'const occurred = Date.parse(text)',
    'setImmediate(next)',
    'clearTimeout(timer)',
    'socket.setTimeout(0)',
    'const timer: NodeJS.Timeout | null = null',
    '/** Like setTimeout, but by the clock. */',
  ])('but not where it is only spoken of: %s', (source) => {
    expect(usesTime(source)).toBe(false)
  })

  test.each([
    'const port = process.env.PORT',
    "const port = process.env['PORT']",
    'const { env } = process',
    "import { env } from 'node:process'",
    'process.loadEnvFile()',
  ])('where the environment is read: %s', (source) => {
    expect(readsEnvironment(source)).toBe(true)
  })

  test('but not where its type is named', () => {
    expect(readsEnvironment('function read(environment: NodeJS.ProcessEnv): void {}')).toBe(false)
  })
})

/** `ingest/gate.ts` stands in `ingest`, `app.ts` in a room of its own. */
function roomOf(path: string): string {
  if (path === 'config.ts') return 'config'
  return path.split('/')[0] as string
}

/** Files of ours that a file imports, re-exports or starts, as paths under src/. */
function importsOf(path: string, source: string): string[] {
  const folder = join(SRC, path, '..')
  const specifiers = [
    ...source.matchAll(/^(?:import|export)\s[\w\s{},*$]*?(?:from\s*)?['"](\.[^'"]+)['"]/gm),
    ...source.matchAll(/\bimport\(\s*['"](\.[^'"]+)['"]/g),
    ...source.matchAll(/\bnew URL\(\s*['"](\.[^'"]+\.[jt]s)['"]/g),
  ].map((match) => match[1] as string)
  return specifiers
    .map((specifier) => relative(SRC, resolve(folder, specifier)))
    .filter((target) => !target.startsWith('..'))
}

function inConcreteStore(path: string): boolean {
  return /^store\/[^/]+\//.test(path)
}

function readsEnvironment(source: string): boolean {
  return /\bprocess\.(env|loadEnvFile)\b|\benv\b[^=\n]*\}\s*=\s*process\b|from ['"](node:)?process['"]/.test(
    source,
  )
}

/** `new Date(ms)` only writes a time that is known; turns of the event loop (`setImmediate`) are not time. */
function usesTime(source: string): boolean {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  return (
    /\bDate\.now\b|\bnew Date\b(?!\s*\(\s*[^)\s])|(?<!new )\bDate\(|\bprocess\.(hrtime|uptime)\b/.test(
      code,
    ) ||
    /\bperformance\b|(?<!\.)\bset(Timeout|Interval)\(|\bAbortSignal\.timeout\b/.test(code) ||
    /from ['"](node:)?(timers(\/promises)?|perf_hooks)['"]/.test(code)
  )
}
