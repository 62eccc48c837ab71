import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

test('the image starts Node as npm start does, or its compile cache would be for other options', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } }
  const [, command = '[]'] = /^CMD (\[.*\])$/m.exec(read('Dockerfile')) ?? []
  expect((JSON.parse(command) as string[]).join(' ')).toBe(scripts.start)
})

test('the image has the commands on its PATH, as the program that npm run relay starts', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: { relay: string } }
  const [, command] = /'exec (node .*) "\$@"'/.exec(read('Dockerfile')) ?? []
  expect(command?.replaceAll('/app/', './').replace(/\.\/(?=\S+\.ts$)/, '')).toBe(scripts.relay)
})

test('the labels of the image say what it is, with the version and description of package.json', () => {
  const { version, description } = JSON.parse(read('package.json')) as {
    version: string
    description: string
  }
  const labels = new Map(
    [...read('Dockerfile').matchAll(/org\.opencontainers\.image\.([a-z.]+)="([^"]*)"/g)].map(
      ([, name, value]) => [name, value],
    ),
  )
  expect(labels.get('version')).toBe(version)
  expect(labels.get('description')).toBe(description)
  expect(labels.get('revision')).toBe('$REVISION')
  const bases = [...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(
    ([, base]) => `docker.io/library/${base}`,
  )
  expect(new Set(bases)).toEqual(new Set([labels.get('base.name')]))
})
