import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { DETAILS } from '../src/http/problem.ts'

// Reads docker-compose.yml as Compose does, and checks what it would run. No container engine is needed.

interface Service {
  profiles?: string[]
  image: string
  environment: Record<string, string>
  ports?: string[]
}

const { services, configs } = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>
  configs: Record<string, { content: string }>
}
const proxy = configs['front']?.content.replaceAll('$$', '$') ?? ''
const REPLICAS = ['seam-relay-1', 'seam-relay-2']

describe.each([
  ['without a profile', '', ['seam-relay']],
  ['with the profile sqlite', 'sqlite', ['seam-relay']],
  ['with the profile postgres', 'postgres', [...REPLICAS, 'front', 'postgres']],
])('docker compose up %s', (_how, profile, expected) => {
  const started = Object.keys(services).filter((name) => services[name]?.profiles?.includes(profile) ?? true)

  test('starts these services and no others', () => {
    expect(started.toSorted()).toEqual(expected.toSorted())
  })

  test('takes webhooks on port 3000, and publishes no port twice', () => {
    const published = started.flatMap((name) => services[name]?.ports ?? []).map(hostPort)
    expect(published).toContain('3000')
    expect(published).toEqual([...new Set(published)])
  })

  test('publishes operator listeners to this machine only', () => {
    const ports = started.flatMap((name) => services[name]?.ports ?? [])
    const operator = ports.filter((port) => port.endsWith(':3001'))
    expect(operator.length).toBeGreaterThan(0)
    for (const port of operator) expect(port).toMatch(/^127\.0\.0\.1:/)
  })
})

test('every setting of .env.example reaches the container, except those that the container sets itself', () => {
  const named = [...read('.env.example').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name as string)
  const ofTheContainer = [
    'HOST',
    'PORT',
    'OPERATOR_PORT',
    'HOOKS_FILE',
    'DATABASE_URL',
    'SHUTDOWN_TIMEOUT_MS',
  ]
  const ofCompose = ['COMPOSE_PROFILES', 'POSTGRES_PASSWORD']
  const expected = named.filter((name) => ![...ofTheContainer, ...ofCompose].includes(name))
  expect(Object.keys(services['seam-relay']?.environment ?? {}).toSorted()).toEqual(expected.toSorted())
})

test('the replicas differ only in their operator port, and from the embedded service in their store', () => {
  const [one, two] = REPLICAS.map((name) => services[name] as Service)
  expect(two?.environment).toEqual(one?.environment)
  expect(two?.image).toBe(one?.image)
  const ofTheStore = { DATABASE_URL: expect.any(String), PGPASSWORD: expect.any(String) }
  const TRUST_PROXY = expect.stringContaining('uniquelocal')
  expect(one?.environment).toEqual({ ...services['seam-relay']?.environment, ...ofTheStore, TRUST_PROXY })
})

describe('the proxy', () => {
  test('forwards to the replicas', () => {
    const servers = [...proxy.matchAll(/^ +server (\S+) (\S+)$/gm)].map(([, name, address]) => [
      name,
      address,
    ])
    expect(servers).toEqual(REPLICAS.map((name) => [name, `${name}:3000`]))
  })

  test('answers as a replica would when no replica can be reached', () => {
    const said = /http-error status 503 .* string '(.*)'/.exec(proxy)?.[1] ?? ''
    expect(JSON.parse(said)).toEqual({
      type: 'urn:seam-relay:problem:unavailable',
      title: 'The webhook cannot be stored now',
      status: 503,
      code: 'unavailable',
      detail: DETAILS.unavailable,
    })
  })
})

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
}

function hostPort(port: string): string | undefined {
  return port.split(':').at(-2)
}
