import { Command, CommanderError } from 'commander'
import { ConfigError } from '../config/mistake.ts'
import { VERSION } from '../version.ts'
import { addCheck } from './check.ts'
import { addMigrateStore } from './migrate-store.ts'
import { addInspect } from './inspect.ts'
import { addOverview } from './overview.ts'
import { addReconcile } from './reconcile.ts'
import { addReplay } from './replay.ts'
import { addTail } from './tail.ts'
import { addSend } from './send.ts'
import { CommandError, EXIT } from './command-error.ts'
import type { ExitCode } from './command-error.ts'
import { addDoctor } from './doctor.ts'
import type { Frame, Surroundings } from './frame.ts'
import { harmlessJson, harmlessLines } from './harmless.ts'

const SUMMARY = 'Commands for the people who run seam-relay.'

const AFTER_HELP = `
"relay COMMAND" in the image is "npm run relay -- COMMAND" elsewhere. Each has a --help of its own.
Settings are read as at a start: from the environment, and from .env in the working directory.
Exit code 0: well. 1: not. 2: used wrongly. 78: a mistake in the configuration.`

/** In the order in which a person meets them. */
const COMMANDS: readonly ((frame: Frame) => void)[] = [
  addCheck,
  addSend,
  addDoctor,
  addOverview,
  addTail,
  addInspect,
  addReplay,
  addReconcile,
  addMigrateStore,
]

/** Runs one command to its end, and says what is to be said of it. */
export async function runProgram(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { terminal } = surroundings
  let result: ExitCode = EXIT.well
  let wantsJson = false
  const program = new Command('relay')
    .description(SUMMARY)
    .version(VERSION, '--version', 'shows the version')
    .helpOption('--help', 'shows this')
    .helpCommand('help [command]', 'shows the help of a command')
    .showHelpAfterError('Run it with --help to see how it is used.')
    .addHelpText('after', AFTER_HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.say(text.trimEnd()),
      writeErr: (text) => terminal.complain(harmlessLines(text.trimEnd())),
      outputError: (text, write) => write(text.replace(/^error: /, 'relay: ')),
      getOutHelpWidth: () => terminal.columns,
      getErrHelpWidth: () => terminal.columns,
    })
    .hook('preAction', (_program, command) => {
      wantsJson = command.opts<{ json?: boolean }>().json === true
    })
  const ending: Frame['ending'] =
    (act) =>
    async (...given) => {
      result = await act(...given)
    }
  for (const add of COMMANDS) add({ program, surroundings, ending })
  try {
    await program.parseAsync(args, { from: 'user' })
    return result
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.well : EXIT.usedWrongly
    return tell(error)
  }

  function tell(error: unknown): ExitCode {
    const { code, message, advice, exitCode } = troubleOf(error)
    if (wantsJson) {
      const told = { code, message, ...(advice === undefined ? {} : { do: advice }) }
      terminal.say(harmlessJson({ error: told }))
    } else {
      const todo = advice === undefined ? '' : `\n       ${advice}`
      terminal.complain(harmlessLines(`relay: ${message}${todo}`))
    }
    return exitCode
  }
}

function troubleOf(error: unknown): CommandError {
  if (error instanceof CommandError) return error
  if (error instanceof ConfigError) {
    const { code, message } = error
    return new CommandError({ code, message, exitCode: EXIT.configuration })
  }
  const message = `something broke in this command: ${error instanceof Error ? error.message : String(error)}`
  return new CommandError({ code: 'internal', message, cause: error })
}
