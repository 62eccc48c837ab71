import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfig } from '../../src/config.ts'
import { ConfigError } from '../../src/config/mistake.ts'
import type { Mistake } from '../../src/config/mistake.ts'
import { scratchFolder } from '../support/scratch.ts'

export type Environment = Record<string, string>

export const SECRET = signingSecret(24)
/** The least that a configuration needs. */
export const minimal: Environment = { SEAM_WEBHOOK_SECRET: SECRET, HOOKS: '[]' }

export function signingSecret(bytes: number): string {
  return `whsec_${Buffer.alloc(bytes, 'key').toString('base64')}`
}

export function withHooks(hooks: unknown[]): Environment {
  return { ...minimal, HOOKS: JSON.stringify(hooks) }
}

/** The environment of one hook: valid, but for these settings. */
export function withHook(settings: Record<string, unknown>): Environment {
  return withHooks([{ name: 'one', url: 'http://example.com', ...settings }])
}

export function withFile(name: string, content: string): Environment {
  const path = join(scratchFolder(), name)
  writeFileSync(path, content)
  return { SEAM_WEBHOOK_SECRET: SECRET, HOOKS_FILE: path }
}

export function readHook(item: Record<string, unknown>) {
  const [hook] = readConfig(withHooks([item])).hooks
  if (hook === undefined) throw new Error('no hook was read')
  return hook
}

export function errorOf(environment: Environment): ConfigError {
  try {
    readConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('nothing was found to be wrong')
}

export function mistakesOf(environment: Environment): readonly Mistake[] {
  return errorOf(environment).mistakes
}

/** Every piece of seven characters of the secret that the message contains. */
export function piecesTold(message: string, secret: string): string[] {
  const key = secret.replace('whsec_', '')
  const pieces = Array.from({ length: Math.max(0, key.length - 6) }, (_, start) =>
    key.slice(start, start + 7),
  )
  return pieces.filter((piece) => message.includes(piece))
}
