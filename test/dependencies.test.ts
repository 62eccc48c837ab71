import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

interface Locked {
  version: string
  integrity?: string
  dev?: boolean
  optional?: boolean
  devOptional?: boolean
  hasInstallScript?: boolean
}

const manifest = JSON.parse(read('package.json')) as Record<
  'dependencies' | 'devDependencies' | 'optionalDependencies',
  Record<string, string>
>
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }
const locked = Object.entries(packages)
  .filter(([path]) => path !== '')
  .map(([path, about]) => ({
    name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    ...about,
  }))
const inProduction = locked.filter(({ dev, optional, devOptional }) => !dev && !optional && !devOptional)

test('docs/dependencies.md has a row for each run-time dependency, and no other', () => {
  const rows = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name as string)
  expect(rows.toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted())
})

test('every version is exact', () => {
  const wanted = Object.entries({
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  })
  expect(wanted.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
})

test('what is installed is known by its hash', () => {
  const unknown = locked.filter(({ integrity }) => !integrity?.startsWith('sha512-'))
  expect(unknown.map(({ name }) => name)).toEqual([])
})

test('nothing that runs in production runs a script when it is installed', () => {
  expect(inProduction.length).toBeGreaterThan(Object.keys(manifest.dependencies).length)
  expect(inProduction.filter(({ hasInstallScript }) => hasInstallScript === true)).toEqual([])
  expect(read('Dockerfile')).toMatch(/npm ci .*--ignore-scripts/)
})

describe('imports', () => {
  const dependencies = new Set(Object.keys(manifest.dependencies))
  const all = new Set([...dependencies, ...Object.keys(manifest.devDependencies)])

  test.each([
    { folder: 'src', declared: dependencies },
    { folder: 'test', declared: all },
    { folder: 'deploy', declared: new Set<string>() },
  ])('of $folder/ are declared in package.json', ({ folder, declared }) => {
    expect([...packagesImportedIn(folder)].filter((name) => !declared.has(name))).toEqual([])
  })

  test('of src/ use every run-time dependency', () => {
    const used = packagesImportedIn('src')
    expect([...dependencies].filter((name) => !used.has(name))).toEqual([])
  })

  test.each([
    ["import fastify from 'fastify'", ['fastify']],
    ["import type { A } from '@fastify/a/b'", ['@fastify/a']],
    ["const { parse } = await import('yaml')", ['yaml']],
    ["type A = import('pg').Client", ['pg']],
    ["import 'typebox/compile'", ['typebox']],
    ["export { a } from 'undici'", ['undici']],
    ["import {\n  a,\n  b,\n} from 'pino'", ['pino']],
    ["require('svix')", ['svix']],
    ["import { a } from './a.ts'\nimport b from 'node:fs'\nimport c from 'timers'", []],
  ])('are seen in %j', (source, names) => {
    expect(packagesOf(source)).toEqual(names)
  })
})

test('the bill of materials names exactly what runs in production', { timeout: 60_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'deploy/sbom.mjs')])
  const { components } = JSON.parse(stdout) as {
    components: { group?: string; name: string; version: string }[]
  }
  const named = components.map(
    ({ group, name, version }) => `${group === undefined ? '' : `${group}/`}${name}@${version}`,
  )
  const wanted = new Set(inProduction.map(({ name, version }) => `${name}@${version}`))
  expect(named.toSorted()).toEqual([...wanted].toSorted())
})

function packagesImportedIn(folder: string): Set<string> {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  const sources = files.filter((path) => /\.m?[jt]s$/.test(path)).map((path) => read(join(folder, path)))
  return new Set(sources.flatMap(packagesOf))
}

function packagesOf(source: string): string[] {
  const specifiers = [
    ...source.matchAll(/^(?:import|export)\s[\w\s{},*$]*?(?:from\s*)?['"]([^'"]+)['"]/gm),
    ...source.matchAll(/\b(?:import|require)\(\s*['"]([^'"]+)['"]/g),
  ].map(([, specifier]) => specifier as string)
  return specifiers
    .filter((specifier) => /^@?[\w.-]+(\/[\w./-]+)?$/.test(specifier) && !specifier.startsWith('.'))
    .filter((specifier) => !isBuiltin(specifier))
    .map((specifier) =>
      specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/'),
    )
}
