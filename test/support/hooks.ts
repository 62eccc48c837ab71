import { readConfig } from '../../src/config.ts'
import type { Hook } from '../../src/config/hook.ts'
import { newSecret } from './signed-webhook.ts'

/** `HOOKS` with these hooks. */
export function hooksOf(...hooks: readonly object[]): { HOOKS: string } {
  return { HOOKS: JSON.stringify(hooks) }
}

/** The hooks as the configuration reads them: judged, and with every default. */
export function readHooks(...hooks: readonly object[]): Hook[] {
  return readConfig({ SEAM_WEBHOOK_SECRET: newSecret(), ...hooksOf(...hooks) }).hooks
}

/** One hook as the configuration reads it. */
export function readHook(hook: object): Hook {
  const [read] = readHooks(hook)
  if (read === undefined) throw new Error('no hook was read')
  return read
}
