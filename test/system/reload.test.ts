import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { startReceiver } from '../support/relay.ts'
import { startRelayProcess } from '../support/relay-process.ts'
import { scratchFolder } from '../support/scratch.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { until } from '../support/until.ts'

test('SIGHUP takes over a valid hooks file, and keeps the old hooks if the file has a mistake', async () => {
  const [first, second] = [await startReceiver(), await startReceiver()]
  const folder = scratchFolder()
  const hooksFile = join(folder, 'hooks.yaml')
  writeFileSync(hooksFile, `hooks:\n  - { name: one, url: "${first.url}" }\n`)
  const relay = await startRelayProcess(newSecret(), {
    DATABASE_URL: `sqlite:${join(folder, 'relay.db')}`,
    HOOKS_FILE: hooksFile,
  })
  await relay.send(credentialEvent())
  await first.hasReceived(1)

  writeFileSync(hooksFile, 'hooks:\n  - { name: one, url: "nowhere" }\n')
  relay.child.kill('SIGHUP')
  const refused = await until('the mistake to be logged', () =>
    relay.logLines.find(({ msg }) => String(msg).startsWith('hooks not taken over')),
  )
  expect(refused['mistakes']).toMatchObject([{ where: 'hooks.yaml: hooks[0].url' }])
  await relay.send(credentialEvent())
  await first.hasReceived(2)

  writeFileSync(
    hooksFile,
    `hooks:\n  - { name: one, url: "${first.url}" }\n  - { name: two, url: "${second.url}" }\n`,
  )
  relay.child.kill('SIGHUP')
  await relay.logged('hooks taken over')
  await relay.send(credentialEvent())
  await first.hasReceived(3)
  await second.hasReceived(1)
})
