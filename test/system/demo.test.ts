import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { startService } from '../../src/demo/service.ts'
import { metricIn } from '../support/metrics.ts'
import { scratchFolder } from '../support/scratch.ts'
import { until } from '../support/until.ts'

const DEMO = fileURLToPath(new URL('../../src/demo/demo.ts', import.meta.url))

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

const ROWS = [
  /^acs_credential\.issued +202 accepted +once, signature verified +ok$/m,
  /^the same webhook, sent again +200 duplicate +nothing more +ok$/m,
  /^acs_credential\.reissued +202 accepted +once, signature verified +ok$/m,
  /^acs_credential\.issued, signed with a wrong secret +401 signature_mismatch +nothing +ok$/m,
  /^acs_credential\.issued, without acs_credential_id +202 quarantined +nothing +ok$/m,
  /^acs_credential\.invalidated +202 accepted +once, signature verified +ok$/m,
  /^acs_credential\.deleted +202 accepted +once, signature verified +ok$/m,
]

/** The demo with an empty temporary folder, and in surroundings whose settings would stop any relay from starting. */
function runDemo(...options: string[]) {
  const temporary = scratchFolder()
  const folder = scratchFolder()
  writeFileSync(`${folder}/.env`, 'LOG_LEVEL=loud\n')
  const child = spawn(process.execPath, [DEMO, ...options], {
    cwd: folder,
    env: { ...process.env, TMPDIR: temporary, SEAM_WEBHOOK_SECRET: 'nonsense', HOOKS: 'nonsense', PORT: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGTERM'))
  return {
    child,
    output: text(child.stdout),
    errors: text(child.stderr),
    exitCode: once(child, 'exit').then(([code]) => code as number | null),
    leftBehind: () => readdirSync(temporary).filter((name) => name.startsWith('seam-relay')),
  }
}

test('the demo needs no configuration, prints the table of the README, and deletes what it made', async () => {
  const demo = runDemo('--once')
  const [output, errors, exitCode] = await Promise.all([demo.output, demo.errors, demo.exitCode])
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: '' })
  for (const row of ROWS) expect(output).toMatch(row)
  const table = output.split('\n').filter((line) => / {2}/.test(line))
  expect(README).toContain(table.join('\n'))
  const rows = output.split('\n').filter((line) => / (ok|WRONG)$/.test(line))
  expect(rows).toHaveLength(ROWS.length)
  expect(output).toMatch(/\n\n7 of 7 as expected\.\n$/)
  expect(demo.leftBehind()).toEqual([])
})

test('without --once the demo runs until a signal comes, and stops the service with it', async () => {
  const demo = runDemo()
  let shown = ''
  demo.child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()))
  await until('the first of what goes on', () => shown.includes('front-desk'))
  const webhooks = /^ {2}webhooks +(\S+)$/m.exec(shown)?.[1] as string
  const metrics = /^ {2}metrics +(\S+)$/m.exec(shown)?.[1] as string
  const text = await (await fetch(metrics)).text()
  expect(metricIn(text, 'seam_relay_webhooks_total', { outcome: 'accepted' })).toBeGreaterThanOrEqual(4)
  expect(demo.leftBehind()).toHaveLength(1)

  demo.child.kill('SIGINT')
  expect(await demo.exitCode).toBe(0)
  expect(demo.leftBehind()).toEqual([])
  await expect(fetch(webhooks)).rejects.toThrow('fetch failed')
})

test('if the service ends before it listens, the error shows its own message', async () => {
  const starting = startService({
    environment: { SEAM_WEBHOOK_SECRET: 'nonsense', HOOKS: '[]' },
    folder: scratchFolder(),
    signal: new AbortController().signal,
  })
  await expect(starting).rejects.toThrow(/did not start:\nseam-relay cannot start: .*\n.*SEAM_WEBHOOK_SECRET/)
})
