import { Value } from 'typebox/value'
import { hookMistakes } from './hook-mistakes.ts'
import { HookSchema } from './hook.ts'
import type { Hook } from './hook.ts'
import { readHooksSource } from './hooks-source.ts'
import type { HooksSource } from './hooks-source.ts'
import { interpolate } from './interpolate.ts'
import { childPath, hidden } from './mistake.ts'
import type { Mistake } from './mistake.ts'

/** A hook needs four levels. A YAML alias of itself has no end. */
const MAX_LEVELS = 32

/** Reads the hooks from where they are written, and adds everything that is wrong with them to `mistakes`. */
export function readHooks(source: HooksSource, environment: NodeJS.ProcessEnv, mistakes: Mistake[]): Hook[] {
  const { list, path } = readHooksSource(source, mistakes)
  if (list === undefined) return []
  if (!Array.isArray(list)) {
    mistakes.push({ where: path, expected: 'a list of hooks', found: hidden(list) })
    return []
  }
  if (isDeeperThan(MAX_LEVELS, list)) {
    mistakes.push({ where: path, expected: 'a list of hooks', found: `more than ${MAX_LEVELS} levels in it` })
    return []
  }
  const hooks: Hook[] = []
  const pathOfName = new Map<string, string>()
  for (const [index, item] of list.entries()) {
    const itemPath = childPath(path, index)
    const hook = readHook(item, itemPath, environment, mistakes)
    if (hook === null) continue
    const first = pathOfName.get(hook.name)
    if (first === undefined) pathOfName.set(hook.name, itemPath)
    else
      mistakes.push({
        where: `${itemPath}.name`,
        expected: 'a name of its own',
        found: `the name that ${first} has`,
      })
    hooks.push(hook)
  }
  return hooks
}

function readHook(
  written: unknown,
  path: string,
  environment: NodeJS.ProcessEnv,
  mistakes: Mistake[],
): Hook | null {
  const unset: Mistake[] = []
  const value = Value.Default(HookSchema, interpolate(written, environment, path, unset))
  // Where a variable is unset, what is wrong with the text around it is no news.
  const others = hookMistakes({ path, value, written }).filter(
    ({ where }) => !unset.some((mistake) => mistake.where === where),
  )
  mistakes.push(...unset, ...others)
  return unset.length + others.length === 0 ? (value as Hook) : null
}

function isDeeperThan(levels: number, tree: unknown): boolean {
  if (typeof tree !== 'object' || tree === null) return false
  return levels === 0 || Object.values(tree).some((member) => isDeeperThan(levels - 1, member))
}
