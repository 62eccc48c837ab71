import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { readHooks } from '../support/hooks.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(resolve(ROOT, path), 'utf8')

const settings = new Set(
  [...read('.env.example').matchAll(/^(?:# )?([A-Z][A-Z_]*)=/gm)].map(([, name]) => name),
)
/** The most that was measured, with a little room. */
const LEAST_MEMORY_MIB = 300

interface Manifest {
  kind: string
  spec: Record<string, unknown>
  data: Record<string, string>
}

interface Probe {
  httpGet: { path: string; port: string }
  timeoutSeconds?: number
}

interface Container {
  env: { name: string; value: string }[]
  ports: { name: string; containerPort: number }[]
  resources: { limits: { memory: string; cpu?: string } }
  securityContext: unknown
  startupProbe: Probe
  livenessProbe: Probe
  readinessProbe: Probe
  volumeMounts: { name: string; mountPath: string }[]
}

interface PodSpec {
  containers: [Container]
  securityContext: Record<string, unknown>
  terminationGracePeriodSeconds: number
  automountServiceAccountToken: boolean
}

describe.each([
  // One process for a file; several for Postgres, of which one always stays.
  { file: 'embedded-store.yaml', workload: 'StatefulSet', replicas: 1, budget: undefined },
  { file: 'postgres.yaml', workload: 'Deployment', replicas: 2, budget: { minAvailable: 1 } },
])('deploy/kubernetes/$file', ({ file, workload, replicas, budget }) => {
  const documents = parseAllDocuments(read(`deploy/kubernetes/${file}`))
  const manifests = documents.map((document) => document.toJS() as Manifest)
  const of = (kind: string) => manifests.find((one) => one.kind === kind) as Manifest
  const { template, ...scale } = of(workload).spec as { template: { spec: PodSpec }; replicas: number }
  const pod = template.spec
  const [container] = pod.containers

  test('is valid YAML, each document by itself', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([])
  })

  test('sets variables that seam-relay knows', () => {
    expect(container.env.filter(({ name }) => !settings.has(name))).toEqual([])
  })

  test('has hooks that seam-relay takes', () => {
    const { hooks } = parse(of('ConfigMap').data['hooks.yaml'] as string) as { hooks: object[] }
    const secret = `whsec_${Buffer.alloc(32).toString('base64')}`
    const filled = JSON.parse(JSON.stringify(hooks).replaceAll('${ACCESS_LOG_SECRET}', secret)) as object[]
    expect(readHooks(...filled)).toHaveLength(1)
    const env = new Map(container.env.map(({ name, value }) => [name, value]))
    expect(env.get('HOOKS_FILE')).toBe('/etc/seam-relay/hooks.yaml')
    expect(container.volumeMounts).toContainEqual(expect.objectContaining({ mountPath: '/etc/seam-relay' }))
  })

  test('restarts on /livez and routes by /readyz, on the public listener', () => {
    const { startupProbe, livenessProbe, readinessProbe } = container
    expect([startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet)).toEqual([
      { path: '/livez', port: 'webhooks' },
      { path: '/livez', port: 'webhooks' },
      { path: '/readyz', port: 'webhooks' },
    ])
    // A store that has not answered for five seconds counts as failing: the probe must not give up before.
    expect(readinessProbe.timeoutSeconds).toBeGreaterThan(5)
    expect(container.ports.map(({ containerPort }) => containerPort)).toEqual([3000, 3001])
  })

  test('runs without rights, and writes nowhere but to its volumes', () => {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(pod.automountServiceAccountToken).toBe(false)
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  })

  test('gives it the memory that was measured, and the time that a graceful stop takes', () => {
    const { memory, cpu } = container.resources.limits
    expect(Number(/^(\d+)Mi$/.exec(memory)?.[1])).toBeGreaterThan(LEAST_MEMORY_MIB)
    expect(cpu).toBeUndefined()
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(15)
  })

  test('shows the path of webhooks to the world, and nothing else', () => {
    const { rules } = of('Ingress').spec as {
      rules: { http: { paths: { path: string; pathType: string }[] } }[]
    }
    expect(rules.flatMap(({ http }) => http.paths)).toMatchObject([
      { path: '/webhooks/seam', pathType: 'Exact' },
    ])
  })

  test('starts as many processes as its store stands', () => {
    expect(scale.replicas).toBe(replicas)
    const { minAvailable } = of('PodDisruptionBudget')?.spec ?? {}
    expect(minAvailable).toBe(budget?.minAvailable)
  })
})
