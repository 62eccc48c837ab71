import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { launchRelay } from '../support/relay-process.ts'
import { scratchFolder } from '../support/scratch.ts'
import { newSecret } from '../support/signed-webhook.ts'
import { MAIN } from '../support/unread-relay.ts'

test('a .env that cannot be read stops the start with exit code 78 and says so', () => {
  const folder = scratchFolder()
  mkdirSync(join(folder, '.env'))
  const { status, stderr, stdout } = spawnSync(process.execPath, [MAIN], {
    cwd: folder,
    env: { SEAM_WEBHOOK_SECRET: newSecret(), HOOKS: '[]', PORT: '0', OPERATOR_PORT: '0' },
    encoding: 'utf8',
    timeout: 60_000,
  })
  expect(status).toBe(78)
  expect(stdout).toBe('')
  expect(stderr).toContain('seam-relay cannot start: .env cannot be read')
})

test('a port that is in use stops the start with exit code 1, in the log and on standard error', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  const { port } = other.address() as AddressInfo
  const relay = launchRelay(newSecret(), {
    DATABASE_URL: `sqlite:${join(scratchFolder(), 'relay.db')}`,
    HOOKS: '[]',
    PORT: `${port}`,
  })
  expect(await relay.ended).toBe(1)
  expect(relay.logLines.at(-1)).toMatchObject({ level: 60, msg: 'the start failed', code: 'EADDRINUSE' })
  expect(relay.complaints()).toContain('seam-relay cannot start: listen EADDRINUSE')
})
