import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'
import type { LogLevel } from '../config.ts'

export type { Logger }

/**
 * A second safety: no line of ours has these fields, and if one ever does, its value is struck out. Only fields at the
 * top of a line are looked at, because a pattern with a wildcard costs 15 times as much as the rest of the line.
 */
const REDACTED = ['authorization', 'body', 'headers', 'payload', 'secret', 'secrets', 'signature', 'token']

/** Writes one JSON line for each thing that happens. */
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
