/** What is logged about an error that nobody caught: enough to find it in the program, and nothing of what came in. */
export interface BugReport {
  type: string
  code?: unknown
  reason?: string
  stack?: string[]
}

export function bugReport(error: unknown): BugReport {
  if (!(error instanceof Error)) return { type: typeof error }
  const { name, code, message, stack = '' } = error as Error & { code?: unknown }
  return {
    type: name,
    ...(code === undefined ? {} : { code }),
    // The message of a parser quotes its input, which may be a payload.
    ...(error instanceof SyntaxError ? {} : { reason: message }),
    stack: stack
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .map((line) => line.trim()),
  }
}
