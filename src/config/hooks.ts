import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseDocument } from 'yaml'
import type { Hook } from './hook.ts'
import { readHook } from './hook.ts'
import { interpolate } from './interpolate.ts'
import { hidden, placeIn } from './mistake.ts'
import type { Mistake } from './mistake.ts'

/** Where the hooks are written down: inline, or in a file. */
export type HooksSource = { inline: string } | { file: string }

/** A hook needs four. An alias of itself would go on forever. */
const MAX_LEVELS = 32

/** Reads the hooks from where they are written down; whatever is wrong goes into `mistakes`. */
export function readHooks(source: HooksSource, environment: NodeJS.ProcessEnv, mistakes: Mistake[]): Hook[] {
  if ('inline' in source)
    return readList(parseInline(source.inline, mistakes), 'HOOKS', environment, mistakes)
  const where = basename(source.file)
  return readList(parseFile(source.file, mistakes), `${where}: hooks`, environment, mistakes)
}

function readList(list: unknown, where: string, environment: NodeJS.ProcessEnv, mistakes: Mistake[]): Hook[] {
  if (list === undefined) return []
  if (!Array.isArray(list)) {
    mistakes.push({ where, expected: 'a list of hooks', found: hidden(list) })
    return []
  }
  if (isDeeperThan(MAX_LEVELS, list)) {
    mistakes.push({ where, expected: 'a list of hooks', found: `more than ${MAX_LEVELS} levels in it` })
    return []
  }
  const hooks: Hook[] = []
  const firstOfName = new Map<string, number>()
  for (const [index, item] of list.entries()) {
    const place = placeIn(where, index)
    const unset: Mistake[] = []
    const wrong: Mistake[] = []
    const hook = readHook(interpolate(item, environment, place, unset), place, wrong, item)
    mistakes.push(...unset, ...wrong.filter((mistake) => !unset.some(({ where }) => where === mistake.where)))
    if (hook === null) continue
    const first = firstOfName.get(hook.name)
    if (first !== undefined) {
      mistakes.push({
        where: `${place}.name`,
        expected: 'a name of its own',
        found: `the name that ${placeIn(where, first)} has`,
      })
    }
    firstOfName.set(hook.name, first ?? index)
    hooks.push(hook)
  }
  return hooks
}

/** The parsers' own messages quote the text, and with it perhaps a secret, so only the place is told. */
function parseInline(text: string, mistakes: Mistake[]): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const position = /at position (\d+)( \(line \d+ column \d+\))?$/.exec(String(error))?.[1]
    const found = `text that is not JSON${position === undefined ? '' : ` at character ${Number(position) + 1}`}`
    mistakes.push({ where: 'HOOKS', expected: 'a JSON array of hooks', found })
    return undefined
  }
}

function parseFile(path: string, mistakes: Mistake[]): unknown {
  const expected = 'a readable YAML or JSON file'
  let text
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    mistakes.push({
      where: 'HOOKS_FILE',
      expected,
      // The hooks themselves may stand here by mistake, with their secrets.
      found: `${/^[^{"\n]{1,200}$/.test(path) ? path : hidden(path)}, which cannot be read (${(error as NodeJS.ErrnoException).code})`,
    })
    return undefined
  }
  const document = parseDocument(text, { prettyErrors: true })
  const [problem] = document.errors
  if (problem !== undefined) {
    const line = problem.linePos?.[0]
    const found = `a mistake of syntax${line === undefined ? '' : ` in line ${line.line}, column ${line.col}`} (${problem.code})`
    mistakes.push({ where: basename(path), expected, found })
    return undefined
  }
  let root: unknown
  try {
    root = document.toJS({ maxAliasCount: 100 })
  } catch {
    mistakes.push({
      where: basename(path),
      expected,
      found: 'an alias that leads nowhere, or too many of them',
    })
    return undefined
  }
  const list = typeof root === 'object' && root !== null && 'hooks' in root ? root.hooks : undefined
  if (list === undefined)
    mistakes.push({ where: basename(path), expected: 'a list under "hooks:"', found: 'none' })
  return list
}

function isDeeperThan(levels: number, tree: unknown): boolean {
  if (typeof tree !== 'object' || tree === null) return false
  return levels === 0 || Object.values(tree).some((member) => isDeeperThan(levels - 1, member))
}
