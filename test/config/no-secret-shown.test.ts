import { expect, test } from 'vitest'
import { SECRET, errorOf, minimal, piecesTold, withFile, withHook, withHooks } from './reading.ts'
import type { Environment } from './reading.ts'

const leak = 'hunter2-hunter2'

/** Each of these has a secret at a place where a mistake is found. No message may repeat seven characters of it. */
test.each<[string, Environment]>([
  ['in a signing secret', { ...minimal, SEAM_WEBHOOK_SECRET: `${SECRET},${leak}` }],
  ['in the address of the database', { ...minimal, DATABASE_URL: `mysql://user:${leak}@db/relay` }],
  [
    'in the address of a server without a database',
    { ...minimal, DATABASE_URL: `postgres://user:${leak}@db:5432/` },
  ],
  [
    'in a parameter of an address without a database',
    { ...minimal, DATABASE_URL: `postgres://db/?password=${leak}` },
  ],
  ["in a hook's secret", withHook({ secrets: [leak] })],
  ["in a hook's secret outside a list", withHook({ secrets: leak })],
  ["in a hook's secrets of the wrong kind", withHook({ secrets: [[leak], { key: leak }] })],
  ['in too many secrets', withHook({ secrets: Array.from({ length: 9 }, () => `whsec_${leak}`) })],
  ['in a header', withHook({ headers: { authorization: `Bearer ${leak}\n` } })],
  ['in a header that is not a text', withHook({ headers: { authorization: [leak] } })],
  ['in a list of headers', withHook({ headers: [`authorization: ${leak}`] })],
  ['in headers that are a text', withHook({ headers: `authorization: ${leak}` })],
  ['in a reserved header', withHook({ headers: { 'webhook-signature': leak } })],
  ['in a URL', withHook({ url: `https://user:${leak}@example.com` })],
  ['in a URL of the wrong kind', withHook({ url: [`https://example.com/?token=${leak}`] })],
  ['in a setting that does not exist', withHook({ secret: leak, retry: { token: leak } })],
  ['in a list of hooks that is no list', { ...minimal, HOOKS: JSON.stringify({ secret: leak }) }],
  ['in a list of hooks that is a text', { ...minimal, HOOKS: JSON.stringify(leak) }],
  ['in a hook that is a text', { ...minimal, HOOKS: JSON.stringify([`https://user:${leak}@example.com`]) }],
  ['in a hook that is a list', { ...minimal, HOOKS: JSON.stringify([[{ secrets: [leak] }]]) }],
  ['in a setting that is a list', withHook({ name: [leak], timeoutMs: { secret: leak } })],
  ['in a header line that became a key', withHook({ headers: { [`authorization: ${leak}`]: '' } })],
  [
    'in a header line that became a key and names an unset variable',
    withHook({ headers: { [`a: ${leak}`]: '${UNSET}' } }),
  ],
  ['in a header line that became a setting of the hook', withHook({ [`authorization: ${leak}`]: '' })],
  ['in an API key', { ...minimal, SEAM_API_KEY: `${leak} ${leak}` }],
  ['in the address of alerts', { ...minimal, ALERT_URL: `https://user:${leak}@hooks.example.com` }],
  [
    'in hooks given where the path of their file belongs',
    { SEAM_WEBHOOK_SECRET: SECRET, HOOKS_FILE: `[{"x":"${leak}"}]` },
  ],
  ['in a name taken from a variable', { ...withHook({ name: '${LEAK}!' }), LEAK: leak }],
  ['in an event type taken from a variable', { ...withHook({ events: ['${LEAK}'] }), LEAK: leak }],
  ['in a workspace taken from a variable', { ...withHook({ workspaces: ['${LEAK}'] }), LEAK: leak }],
  ['in a system taken from a variable', { ...withHook({ systems: ['${LEAK}'] }), LEAK: leak }],
  ['in an ordering taken from a variable', { ...withHook({ ordering: '${LEAK}' }), LEAK: leak }],
  ['in a time taken from a variable', { ...withHook({ timeoutMs: '${LEAK}' }), LEAK: leak }],
  [
    'in a name taken from a variable by two hooks',
    {
      ...withHooks([
        { name: '${LEAK}', url: 'http://x' },
        { name: '${LEAK}', url: 'http://x' },
      ]),
      LEAK: leak,
    },
  ],
  ['in a value taken from a variable', { ...withHook({ headers: { a: '${LEAK}\n' } }), LEAK: leak }],
  ['in a secret taken from a variable', { ...withHook({ secrets: ['${LEAK}'] }), LEAK: leak }],
  ['in a URL taken from a variable', { ...withHook({ url: 'https://${LEAK}@x' }), LEAK: leak }],
  ['in JSON with a mistake', { ...minimal, HOOKS: `[{"secrets":["${leak}"],}]` }],
  ['in JSON that was cut off', { ...minimal, HOOKS: `[{"secrets":["${leak}` }],
  ['in a text that is no JSON', { ...minimal, HOOKS: leak }],
])('no message shows a secret %s', (_where, environment) => {
  expect(piecesTold(errorOf(environment).message, leak)).toEqual([])
})

test.each([
  ['in a line with a mistake', `hooks:\n  - name: "one\n    secrets: [${leak}]\n`],
  ['in a key that comes twice', `hooks:\n  - {name: one, secrets: [${leak}], secrets: [${leak}]}\n`],
  ['in a line indented by a tab', `hooks:\n\t- ${leak}\n`],
  ['in a file without hooks', `secrets: [${leak}]\n`],
  ['in a file that is a text', leak],
  ['in JSON that was cut off', `{"hooks": [{"secrets": ["${leak}`],
  ['in an alias of nothing', `hooks: *${leak}\n`],
])('no message shows a secret %s of a hooks file', (_where, content) => {
  expect(piecesTold(errorOf(withFile('hooks.yaml', content)).message, leak)).toEqual([])
})

test('a hooks file with a list or a mapping as a key raises no warning of the parser, which would quote it', async () => {
  const warnings: string[] = []
  const hear = ({ message }: Error) => void warnings.push(message)
  process.on('warning', hear)
  for (const key of [`[${leak}]`, `{ authorization: ${leak} }`]) {
    expect(errorOf(withFile('hooks.yaml', `hooks:\n  - ? ${key}\n    : 1\n`)).message).not.toContain(leak)
  }
  // A warning is told on the next turn.
  await new Promise(setImmediate)
  process.off('warning', hear)
  expect(warnings).toEqual([])
})
