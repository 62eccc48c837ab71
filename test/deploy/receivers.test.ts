import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { credentialEvent } from '../support/credential-event.ts'
import { hooksOf } from '../support/hooks.ts'
import { startRelay } from '../support/relay.ts'
import { scratchFolder } from '../support/scratch.ts'
import { newSecret, signedWebhook } from '../support/signed-webhook.ts'
import { tryProgram } from './programs.ts'

const FOLDER = resolve(import.meta.dirname, '../../deploy/receivers')

/** How a receiver is started, or `null` where its language is not installed; and which ids it has kept. */
interface Language {
  command: (scratch: string) => Promise<[string, ...string[]] | null>
  kept: (database: string) => string[]
}

const languages: Record<string, Language> = {
  node: {
    command: () => Promise.resolve([process.execPath, join(FOLDER, 'node/receiver.mjs')]),
    kept: idsInSqlite,
  },
  python: {
    command: () => {
      const python = tryProgram('python3', ['-c', 'import sqlite3'])
      return Promise.resolve(python?.code === 0 ? ['python3', join(FOLDER, 'python/receiver.py')] : null)
    },
    kept: idsInSqlite,
  },
  go: {
    command: async (scratch) => {
      if (tryProgram('go', ['version'])?.code !== 0) return null
      const program = join(scratch, 'receiver')
      // It needs no module, so nothing is fetched.
      await promisify(execFile)('go', ['build', '-o', program, '.'], {
        cwd: join(FOLDER, 'go'),
        env: { ...process.env, GOFLAGS: '-mod=mod', GOPROXY: 'off' },
      })
      return [program]
    },
    kept: (database) =>
      existsSync(database)
        ? readFileSync(database, 'utf8')
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => (JSON.parse(line) as { webhook_id: string }).webhook_id)
        : [],
  },
}

describe.each(Object.entries(languages))('the example receiver in %s', (name, { command, kept }) => {
  test(
    'takes what seam-relay delivers, once, and nothing that is not signed for it',
    { timeout: 120_000 },
    async ({ skip }) => {
      const scratch = scratchFolder()
      const database = join(scratch, 'received')
      const started = (await command(scratch)) ?? skip(`${name} is not installed here`)
      const [secret, older] = [newSecret(), newSecret()]
      const url = await startExample(started, { DATABASE: database, HOOK_SECRET: `${secret},${older}` })

      const relay = await startRelay(hooksOf({ name: 'example', url, secrets: [secret] }))
      const event = credentialEvent()
      await relay.send(event)
      expect(await relay.logged('delivered')).toMatchObject({ hook: 'example', status: 204 })
      expect(kept(database)).toEqual([event.event_id])

      // The same again, as after a crash of the relay: answered alike, and kept once. Also by the secret before.
      const body = JSON.stringify(event)
      expect(await post(url, secret, event.event_id, body)).toBe(204)
      expect(await post(url, older, event.event_id, body)).toBe(204)
      expect(kept(database)).toEqual([event.event_id])

      const other = credentialEvent()
      const text = JSON.stringify(other)
      const [now, early] = [Date.now(), new Date(Date.now() - 10 * 60_000)]
      const refused = [
        await post(url, newSecret(), other.event_id, text),
        await post(url, secret, other.event_id, text, { tail: ' ' }),
        await post(url, secret, other.event_id, text, { at: early }),
        await post(url, secret, other.event_id, text, { at: new Date(now + 10 * 60_000) }),
        (await fetch(url, { method: 'POST', body: text })).status,
      ]
      expect(refused).toEqual([401, 401, 401, 401, 401])
      expect(kept(database)).toEqual([event.event_id])
      expect(await post(url, secret, other.event_id, text)).toBe(204)
      expect(kept(database)).toEqual([event.event_id, other.event_id])
    },
  )
})

async function startExample(
  [program, ...args]: readonly [string, ...string[]],
  environment: Record<string, string>,
): Promise<string> {
  const child = spawn(program, args, {
    env: { ...process.env, PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^listening on (\d+)$/.exec(line)?.[1]
    if (port !== undefined) return `http://127.0.0.1:${port}/seam`
  }
  throw new Error('the receiver ended before it listened')
}

/** Posts as seam-relay does. @returns the status */
async function post(
  url: string,
  secret: string,
  id: string,
  body: string,
  { at = new Date(), tail = '' }: { at?: Date; tail?: string } = {},
): Promise<number> {
  const { headers } = signedWebhook(secret, body, { messageId: id, at })
  const renamed = Object.entries(headers).map(
    ([key, value]) => [key.replace('svix-', 'webhook-'), value] as const,
  )
  const answer = await fetch(url, {
    method: 'POST',
    headers: Object.fromEntries(renamed),
    body: `${body}${tail}`,
  })
  await answer.arrayBuffer()
  return answer.status
}

function idsInSqlite(database: string): string[] {
  const db = new DatabaseSync(database)
  const rows = db.prepare('select webhook_id from received order by rowid').all()
  db.close()
  return rows.map((row) => row['webhook_id'] as string)
}
