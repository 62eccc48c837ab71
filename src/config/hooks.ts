import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseDocument } from 'yaml'
import type { Hook } from './hook.ts'
import { readHook } from './hook.ts'
import { interpolate } from './interpolate.ts'
import { hidden } from './mistake.ts'
import type { Mistake } from './mistake.ts'

/** Where the hooks are written down: inline, or in a file. */
export type HooksSource = { inline: string } | { file: string }

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
  const hooks: Hook[] = []
  const firstOfName = new Map<string, number>()
  for (const [index, item] of list.entries()) {
    const place = `${where}[${index}]`
    const unset: Mistake[] = []
    const wrong: Mistake[] = []
    const hook = readHook(interpolate(item, environment, place, unset), place, wrong)
    mistakes.push(...unset, ...wrong.filter((mistake) => !unset.some(({ where }) => where === mistake.where)))
    if (hook === null) continue
    const first = firstOfName.get(hook.name)
    if (first !== undefined) {
      mistakes.push({
        where: `${place}.name`,
        expected: 'a name of its own',
        found: `"${hook.name}", which ${where}[${first}] has`,
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
    const position = /position (\d+)/.exec(String(error))?.[1]
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
      found: `${path}, which cannot be read (${(error as NodeJS.ErrnoException).code})`,
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
  const root: unknown = document.toJS({ maxAliasCount: 100 })
  const list = typeof root === 'object' && root !== null && 'hooks' in root ? root.hooks : undefined
  if (list === undefined)
    mistakes.push({ where: basename(path), expected: 'a list under "hooks:"', found: 'none' })
  return list
}
