import { createInterface } from 'node:readline/promises'
import { styleText } from 'node:util'

/** Where a command reads and writes. */
export interface Terminal {
  /** Writes text and a line break to standard output: the result, for people or for a program. */
  say(text: string): void
  /** The same to standard error: what went wrong, questions, progress. */
  complain(text: string): void
  /** Colours text for standard output, if that is a terminal and NO_COLOR is not set. */
  paint(style: Style, text: string): string
  /** Whether a person is there to answer a question. */
  readonly hasPerson: boolean
  /** Asks on standard error. Anything but y or yes is a no; so is the end of the input. */
  confirms(question: string): Promise<boolean>
  /** Replaces the line that it wrote before, where standard error is a terminal. `null` clears it. */
  progress(text: string | null): void
  /** Columns of standard output. */
  readonly columns: number
}

export type Style = 'red' | 'green' | 'yellow' | 'dim' | 'bold'

export interface Streams {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  stderr: NodeJS.WritableStream & { isTTY?: boolean }
}

/** Where output goes to a file or another program, lines are as long as they are. */
const COLUMNS_ELSEWHERE = 100

export function createTerminal({ stdin, stdout, stderr }: Streams): Terminal {
  return {
    say: (text) => void stdout.write(`${text}\n`),
    complain: (text) => void stderr.write(`${text}\n`),
    paint: (style, text) => styleText(style, text, { stream: stdout as NodeJS.WriteStream }),
    hasPerson: stdin.isTTY === true && stderr.isTTY === true,
    progress(text) {
      // Back to the beginning of the line, and clear to its end.
      if (stderr.isTTY === true) stderr.write(`\r\u001b[K${text ?? ''}`)
    },
    get columns() {
      // Some terminals in containers say that they have none.
      return stdout.columns || COLUMNS_ELSEWHERE
    },
    async confirms(question) {
      const lines = createInterface({ input: stdin, output: stderr })
      const ended = new Promise<null>((resolve) => lines.once('close', () => resolve(null)))
      // The end of the input, or Ctrl-C, comes as a rejection, or does not come at all.
      const asked = lines.question(`${question} [y/N] `).catch(() => null)
      const answer = await Promise.race([asked, ended])
      lines.close()
      // Nobody has ended the line that the question stands in.
      if (answer === null) stderr.write('\n')
      return /^y(es)?$/i.test(answer?.trim() ?? '')
    },
  }
}
