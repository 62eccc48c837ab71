import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import type { parseDocument } from 'yaml'
import { hidden } from './mistake.ts'
import type { Mistake } from './mistake.ts'

/** Where the hooks are written: in the variable HOOKS, or in the file that HOOKS_FILE names. */
export type HooksSource = { inline: string } | { file: string }

const FILE_EXPECTED = 'a readable YAML or JSON file'

/**
 * Parses the list of hooks. Mistakes of syntax give only their position: the parsers' own messages quote the text, and
 * with it perhaps a secret.
 * @returns the list and its path, as mistakes name it; `undefined` for the list where a mistake was added
 */
export function readHooksSource(source: HooksSource, mistakes: Mistake[]): { list: unknown; path: string } {
  return 'inline' in source
    ? { list: parseInline(source.inline, mistakes), path: 'HOOKS' }
    : { list: parseFile(source.file, mistakes), path: `${basename(source.file)}: hooks` }
}

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
  const where = basename(path)
  let text
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const found = `${looksLikePath(path) ? path : hidden(path)}, which cannot be read (${code})`
    mistakes.push({ where: 'HOOKS_FILE', expected: FILE_EXPECTED, found })
    return undefined
  }
  // Without warnings: they would go to the log or to standard error, and they quote the text, as mistakes of syntax do.
  const document = yaml().parseDocument(text, { prettyErrors: true, logLevel: 'error' })
  const [problem] = document.errors
  if (problem !== undefined) {
    const start = problem.linePos?.[0]
    const position = start === undefined ? '' : ` in line ${start.line}, column ${start.col}`
    const found = `a mistake of syntax${position} (${problem.code})`
    mistakes.push({ where, expected: FILE_EXPECTED, found })
    return undefined
  }
  let root: unknown
  try {
    root = document.toJS({ maxAliasCount: 100 })
  } catch {
    const found = 'an alias of something that is not there, or more than 100 aliases'
    mistakes.push({ where, expected: FILE_EXPECTED, found })
    return undefined
  }
  const list = typeof root === 'object' && root !== null && 'hooks' in root ? root.hooks : undefined
  if (list === undefined) mistakes.push({ where, expected: 'a list under "hooks:"', found: 'none' })
  return list
}

/** Loaded with the first hooks file: a relay without one is 2 MiB smaller at rest. `import()` would be asynchronous. */
function yaml(): { parseDocument: typeof parseDocument } {
  return createRequire(import.meta.url)('yaml') as { parseDocument: typeof parseDocument }
}

/** The hooks themselves may have been put into HOOKS_FILE by mistake, with their secrets. */
function looksLikePath(text: string): boolean {
  return /^[^{"\n]{1,200}$/.test(text)
}
