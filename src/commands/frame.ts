import type { Command } from 'commander'
import type { Clock } from '../time/clock.ts'
import type { ExitCode } from './command-error.ts'
import type { Terminal } from './terminal.ts'

/** What a command has around it. */
export interface Surroundings {
  environment: NodeJS.ProcessEnv
  clock: Clock
  terminal: Terminal
  /**
   * For a command that goes on until it is told to end. From this call on, Ctrl-C or an order to stop aborts the signal,
   * and ends the process only the second time.
   */
  follow: () => AbortSignal
}

/** What a command's file is given to add the command to the program. */
export interface Frame {
  program: Command
  surroundings: Surroundings
  /** Makes an action of a function that gives the exit code. */
  ending: <A extends unknown[]>(act: (...args: A) => Promise<ExitCode>) => (...args: A) => Promise<void>
}
