import { childPath } from './mistake.ts'
import type { Mistake } from './mistake.ts'

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/**
 * Replaces `${NAME}` in every string of a parsed tree by the variable of that name. It works on the tree and not on the
 * text of the file, so a value can neither break the syntax nor add a key. An unset or empty variable is a mistake.
 */
export function interpolate(
  tree: unknown,
  environment: NodeJS.ProcessEnv,
  path: string,
  mistakes: Mistake[],
): unknown {
  if (typeof tree === 'string') {
    return tree.replace(REFERENCE, (reference, name: string) => {
      const value = environment[name]
      if (value) return value
      mistakes.push({ where: path, expected: `the variable ${name} to be set`, found: 'nothing' })
      return reference
    })
  }
  if (Array.isArray(tree)) {
    return tree.map((item, index) => interpolate(item, environment, childPath(path, index), mistakes))
  }
  if (typeof tree === 'object' && tree !== null) {
    return Object.fromEntries(
      Object.entries(tree).map(([key, value]) => [
        key,
        interpolate(value, environment, childPath(path, key), mistakes),
      ]),
    )
  }
  return tree
}
