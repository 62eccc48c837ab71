import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { SECRET, errorOf, minimal, mistakesOf, piecesTold, signingSecret, withHooks } from './reading.ts'

test.each([24, 32, 64])('a signing secret of %d bytes is accepted', (bytes) => {
  const secret = signingSecret(bytes)
  expect(readConfig({ ...minimal, SEAM_WEBHOOK_SECRET: secret }).seamWebhookSecrets).toEqual([secret])
})

test('SEAM_WEBHOOK_SECRET may hold several secrets, separated by commas', () => {
  const secrets = [signingSecret(24), signingSecret(32), signingSecret(40)]
  const config = readConfig({ ...minimal, SEAM_WEBHOOK_SECRET: ` ${secrets.join(' , ')},` })
  expect(config.seamWebhookSecrets).toEqual(secrets)
})

test.each([
  ['has no prefix', SECRET.slice(6), 'a string of 32 characters without the prefix whsec_'],
  ['is no base64', `whsec_${'!'.repeat(32)}`, 'something that is not base64 behind the prefix'],
  ['was cut off', SECRET.slice(0, -1), 'something that is not base64 behind the prefix'],
  ['is the prefix alone', 'whsec_', 'something that is not base64 behind the prefix'],
  ['is too short', signingSecret(15), 'a key of 15 bytes'],
  ['is too long', signingSecret(1025), 'a key of 1025 bytes'],
])('a secret that %s is refused and not shown, in the environment and in a hook', (_what, secret, found) => {
  const inEnvironment = errorOf({ ...minimal, SEAM_WEBHOOK_SECRET: secret })
  expect(inEnvironment.mistakes).toEqual([
    { where: 'SEAM_WEBHOOK_SECRET', expected: 'whsec_ and the base64 of 16 to 1024 bytes', found },
  ])
  const inHook = errorOf(withHooks([{ name: 'one', url: 'http://x', secrets: [SECRET, secret] }]))
  expect(inHook.mistakes).toEqual([
    { where: 'HOOKS[0].secrets[1]', expected: 'whsec_ and the base64 of 24 to 64 bytes', found },
  ])
  expect(piecesTold(inEnvironment.message + inHook.message, secret)).toEqual([])
})

test('a mistake in one of several secrets gives its number', () => {
  expect(mistakesOf({ ...minimal, SEAM_WEBHOOK_SECRET: `${SECRET},oops,${SECRET}` })).toMatchObject([
    { where: 'SEAM_WEBHOOK_SECRET (number 2 of 3)' },
  ])
})
