import { systemClock } from '../time/clock.ts'
import { ArgumentsError, USAGE, readArguments } from './arguments.ts'
import { move } from './move.ts'

/** As in the relay: "configuration error", by the convention of sysexits.h. */
const EXIT_USAGE = 78
const EXIT_FAILURE = 1

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  try {
    const places = readArguments(args)
    if (places === 'help') {
      process.stdout.write(USAGE)
      return 0
    }
    await move(places, systemClock, (text) => process.stdout.write(text))
    return 0
  } catch (error) {
    process.stderr.write(`migrate-store: ${(error as Error).message}\n`)
    if (!(error instanceof ArgumentsError)) return EXIT_FAILURE
    process.stderr.write(USAGE)
    return EXIT_USAGE
  }
}
