import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'

const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
const required = { SEAM_WEBHOOK_SECRET: `whsec_${Buffer.alloc(24, 'key').toString('base64')}`, HOOKS: '[]' }
/** A commented line names a setting and its default. */
const defaults = [...text.matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(
  ([, name, value]) => [name, value] as [string, string],
)
/** Settings of Docker Compose, which the relay never sees. */
const ofCompose = ['COMPOSE_PROFILES', 'POSTGRES_PASSWORD']

test('every default that .env.example shows is the default', () => {
  const shown = Object.fromEntries(defaults.filter(([name]) => !ofCompose.includes(name)))
  expect(Object.keys(shown).length).toBeGreaterThan(14)
  expect(readConfig({ ...shown, ...required })).toEqual(readConfig(required))
})

test('.env.example names every setting that the program reads, and no other', () => {
  const read = new Set<string>()
  const recording = new Proxy<Record<string, string>>(required, {
    get(target, name: string) {
      read.add(name)
      return target[name]
    },
  })
  readConfig(recording)
  const named = [...text.matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name as string)
  expect(named.filter((name) => !ofCompose.includes(name)).toSorted()).toEqual([...read].toSorted())
})
