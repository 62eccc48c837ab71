import type { Command } from 'commander'
import type { Clock } from '../time/clock.ts'
import type { ExitCode } from './command-error.ts'
import type { Terminal } from './terminal.ts'

/** What a command has around it. */
export interface Surroundings {
  environment: NodeJS.ProcessEnv
  clock: Clock
  terminal: Terminal
  /** Ends a command that goes on by itself: Ctrl-C, or the order to stop. */
  signal: AbortSignal
}

/** What a command's file is given to add the command to the program. */
export interface Frame {
  program: Command
  surroundings: Surroundings
  /** Makes an action of a function that gives the exit code. */
  ending: <A extends unknown[]>(act: (...args: A) => Promise<ExitCode>) => (...args: A) => Promise<void>
}
