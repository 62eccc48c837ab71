import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'
import type { LogLevel } from '../config.ts'

export type { Logger }

/**
 * Nothing is logged that these could hold; should a line ever carry one, it is struck out. Names at the top of a
 * line alone, which is where all of ours are: a pattern with a wildcard costs 15 times the rest of the line.
 */
const REDACTED = ['authorization', 'body', 'headers', 'payload', 'secret', 'secrets', 'signature', 'token']

/** One JSON line for each thing that happens. */
export function createLogger(level: LogLevel, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,

      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    destination,
  )
}
