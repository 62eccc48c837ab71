import { until } from './until.ts'

export type LogLine = Record<string, unknown>

export function parseLogLine(text: string): LogLine {
  return JSON.parse(text) as LogLine
}

/** Waits for a line with this message, and gives the first. */
export function logged(lines: readonly LogLine[], msg: string, timeoutMs?: number): Promise<LogLine> {
  return until(`the log line "${msg}"`, () => lines.find((line) => line['msg'] === msg), timeoutMs)
}
