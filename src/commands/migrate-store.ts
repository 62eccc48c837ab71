import type { Command } from 'commander'
import { ArgumentsError, RELAY_USAGE, readArguments } from '../migrate-store/arguments.ts'
import type { Places } from '../migrate-store/arguments.ts'
import { CommandError, EXIT, usedWrongly } from './command-error.ts'
import type { ExitCode } from './command-error.ts'
import type { Frame, Surroundings } from './frame.ts'
import { harmlessJson } from './harmless.ts'

/**
 * `relay migrate-store`: the same as `npm run migrate-store`. Its arguments are read there and not by commander, which
 * would quote one that it does not know, and with it perhaps a password.
 */
export function addMigrateStore({ program, surroundings, ending }: Frame): void {
  const command = program
    .command('migrate-store')
    .description('carries everything from the embedded store to Postgres')
    .option('--json', 'answers in JSON')
    .allowUnknownOption()
    .allowExcessArguments()
    .action(
      ending(async (options: { json?: true }, { args }: Command) =>
        migrateStore(surroundings, args, options.json === true),
      ),
    )
  command.helpInformation = () => RELAY_USAGE
}

async function migrateStore(
  { clock, terminal }: Surroundings,
  args: readonly string[],
  asJson: boolean,
): Promise<ExitCode> {
  const places = placesFrom(args)
  const { move } = await import('../migrate-store/move.ts')
  const { MoveError } = await import('../migrate-store/move-error.ts')
  const say = (text: string) => (asJson ? terminal.complain(text) : terminal.say(text))
  try {
    await move(places, clock, (text) => say(text.replace(/\n$/, '')))
  } catch (error) {
    if (!(error instanceof MoveError)) throw error
    throw new CommandError({ code: 'not_moved', message: error.message, cause: error })
  }
  if (asJson) terminal.say(harmlessJson({ moved: true }))
  return EXIT.well
}

function placesFrom(args: readonly string[]): Places {
  try {
    const places = readArguments(args)
    // Asked for help, commander gives it before it comes to this.
    if (places !== 'help') return places
    throw usedWrongly('--help stands alone')
  } catch (error) {
    if (error instanceof ArgumentsError)
      throw usedWrongly(error.message.trimEnd(), 'Run it with --help to see how it is used.')
    throw error
  }
}
