/** One thing that is wrong with the configuration. None of its fields ever holds a secret. */
export interface Mistake {
  /** The variable, or the path in the hooks file: `PORT`, `hooks.yaml: hooks[0].url`. */
  where: string
  expected: string
  found: string
}

/** One thing that works and should be changed. None of its fields ever holds a secret. */
export interface Warning {
  /** The variable. */
  where: string
  advice: string
}

/** The configuration cannot be used. Its message lists every mistake. */
export class ConfigError extends Error {
  readonly code = 'config_invalid'
  readonly mistakes: readonly Mistake[]

  constructor(mistakes: readonly Mistake[]) {
    const lines = mistakes.map(
      ({ where, expected, found }) => `  ${where}: expected ${expected}, found ${found}`,
    )
    super(
      `the configuration has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n${lines.join('\n')}`,
    )
    this.name = 'ConfigError'
    this.mistakes = mistakes
  }
}

/**
 * The path of a member: `hooks[0]`, `hooks[0].url`. A key that does not look like a name is left out: after a slip in
 * the file, a line with a secret in it may stand where a key should.
 */
export function childPath(parent: string, key: string | number): string {
  if (typeof key === 'number') return `${parent}[${key}]`
  return looksLikeName(key) ? `${parent}.${key}` : parent
}

export function looksLikeName(key: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(key)
}

/** A value as a mistake shows it: short, and a string in quotes. Not for a value that may hold a secret. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

/** A value that may hold a secret: its kind and length, never the value itself. */
export function hidden(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string')
    return value === '' ? 'an empty string' : `a string of ${value.length} characters (not shown)`
  return Array.isArray(value) ? 'a list' : value === null ? 'null' : `a value of type ${typeof value}`
}
