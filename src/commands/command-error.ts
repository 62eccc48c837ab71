/** How a command ends: well; not; used wrongly; with a mistake in the configuration (by the convention of sysexits.h). */
export const EXIT = { well: 0, not: 1, usedWrongly: 2, configuration: 78 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface Trouble {
  /** Stable, for scripts that read `--json`. */
  code: string
  /** What happened. */
  message: string
  /** What to do about it. */
  advice?: string
  exitCode?: ExitCode
  cause?: unknown
}

/** A command cannot do its work, and says why. It is shown without a stack trace. */
export class CommandError extends Error {
  readonly code: string
  readonly advice: string | undefined
  readonly exitCode: ExitCode

  constructor({ code, message, advice, exitCode = EXIT.not, cause }: Trouble) {
    super(message, { cause })
    this.name = 'CommandError'
    this.code = code
    this.advice = advice
    this.exitCode = exitCode
  }
}

export function usedWrongly(message: string, advice?: string): CommandError {
  const more = advice === undefined ? {} : { advice }
  return new CommandError({ code: 'used_wrongly', message, ...more, exitCode: EXIT.usedWrongly })
}
