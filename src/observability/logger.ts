import { pino, stdTimeFunctions } from 'pino'
import type { DestinationStream, Logger } from 'pino'
import type { LogLevel } from '../config.ts'

export type { Logger }

/** Nothing is logged that these could hold; should a line ever carry them, they are struck out. */
const REDACTED = [
  'authorization',
  'body',
  'headers',
  'payload',
  'secret',
  'secrets',
  'signature',
  'token',
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`])

/** One JSON line for each thing that happens. */
export function createLogger(level: LogLevel, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    destination,
  )
}
