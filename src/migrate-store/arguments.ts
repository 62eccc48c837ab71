import { parseArgs } from 'node:util'
import { hidden } from '../config/mistake.ts'
import type { Mistake } from '../config/mistake.ts'
import { storeLocation } from '../config/store-location.ts'

const ARGUMENTS = '--from sqlite:PATH --to postgres://USER@HOST:PORT/DATABASE'

/** The help of `npm run migrate-store`. */
export const USAGE = `Usage: npm run migrate-store -- ${ARGUMENTS}
       node src/migrate-store/main.ts --from … --to …     (in a container)

${explanation('78: a mistake in the arguments.')}
`

const JSON_OPTION =
  '  --json   tells the result in JSON on standard output, and the progress on standard error\n'

/** The help of `relay migrate-store`. */
export const RELAY_USAGE = `Usage: relay migrate-store [options] ${ARGUMENTS}

${explanation('2: used wrongly.', JSON_OPTION)}
`

function explanation(misuse: string, more = ''): string {
  return `Carries everything from the embedded store to Postgres: event ids, events, deliveries, attempts, quarantine.

  --from   the SQLite file. It must exist, and no seam-relay may use it. Its content stays as it is.
  --to     the database. Its schema is made, or brought up to date. What it holds is never changed or deleted.
${more}  --help   shows this

The password may be in the URL, in PGPASSWORD or in ~/.pgpass. npm shows the command that it runs, with the URL;
npm run --silent does not.

After a failure, run it again: it goes on where it was. Exit code 0: everything is in the target. 1: it is not.
${misuse}`
}

export interface Places {
  /** The path of the SQLite file. */
  from: string
  /** The URL of the Postgres database. It may hold a password. */
  to: string
}

/** The arguments cannot be used. Its message lists every mistake, and no value. */
export class ArgumentsError extends Error {
  constructor(mistakes: readonly Mistake[]) {
    const lines = mistakes.map(
      ({ where, expected, found }) => `  ${where}: expected ${expected}, found ${found}\n`,
    )
    const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`
    super(`${count} in the arguments:\n${lines.join('')}`)
    this.name = 'ArgumentsError'
  }
}

/**
 * Reads the arguments of the command; `help` where that was asked for.
 * @throws {ArgumentsError} with everything that is wrong with them
 */
export function readArguments(args: readonly string[]): Places | 'help' {
  // Not strict, because that ends at the first mistake, and quotes it.
  const { values, tokens } = parseArgs({
    args: [...args],
    options: { from: { type: 'string' }, to: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    strict: false,
    tokens: true,
  })
  if (values['help'] !== undefined) return 'help'

  const mistakes: Mistake[] = []
  const given = new Map<string, number>()
  for (const token of tokens) {
    if (token.kind === 'positional') {
      mistakes.push({ where: 'arguments', expected: '--from and --to alone', found: hidden(token.value) })
    } else if (token.kind === 'option') {
      given.set(token.name, (given.get(token.name) ?? 0) + 1)
    }
  }
  for (const [name, times] of given) {
    if (name !== 'from' && name !== 'to') {
      mistakes.push({ where: placeOf(name), expected: '--from and --to alone', found: 'an unknown option' })
    } else if (times > 1) {
      mistakes.push({ where: `--${name}`, expected: 'it once', found: `it ${times} times` })
    }
  }
  const from = locationOf('from', 'sqlite')
  const to = locationOf('to', 'postgres')
  if (mistakes.length > 0 || from?.kind !== 'sqlite' || to?.kind !== 'postgres')
    throw new ArgumentsError(mistakes)
  return { from: from.path, to: to.url }

  function locationOf(name: 'from' | 'to', kind: 'sqlite' | 'postgres') {
    const value = values[name]
    const location = typeof value === 'string' ? storeLocation(value) : null
    if (location?.kind === kind) return location
    const expected = kind === 'sqlite' ? 'sqlite:PATH' : 'postgres://USER:PASSWORD@HOST:PORT/DATABASE'
    const found = location === null ? hidden(value === true ? undefined : value) : `${location.kind}:…`
    mistakes.push({ where: `--${name}`, expected, found })
    return null
  }
}

/** The option as it can be shown: by a slip, a URL with a password can stand where a name should. */
function placeOf(name: string): string {
  return /^[A-Za-z][A-Za-z-]{0,30}$/.test(name) ? `${name.length === 1 ? '-' : '--'}${name}` : 'arguments'
}
