import { readConfig } from '../config.ts'
import { counted } from './amount.ts'
import { EXIT } from './command-error.ts'
import type { ExitCode } from './command-error.ts'
import type { Line, State } from './doctor/line.ts'
import type { Frame, Surroundings } from './frame.ts'
import { harmless, harmlessJson } from './harmless.ts'
import { aligned, wrapped } from './layout.ts'
import { httpUrl } from './settings-at-hand.ts'
import type { Style, Terminal } from './terminal.ts'

interface DoctorOptions {
  webhookUrl?: string
  json?: true
}

const TIMEOUT_MS = 5000
/** Longer lines are hard to read. */
const MAX_COLUMNS = 110

const STYLES: Record<State, Style> = { ok: 'green', look: 'yellow', wrong: 'red', skipped: 'dim' }

const AFTER_HELP = `
Looks at the settings, whether seam-relay runs and is ready, its store and disk, the clock, whether each hook can be
reached and its certificate, and, with SEAM_API_KEY, whether Seam's own webhook endpoint has this URL, these types and
this secret. No webhook is sent: hooks are asked for the headers of their root (HEAD /). Nothing is changed.
Exit code 0: nothing is wrong. 1: something is. 78: the configuration has mistakes, so nothing more was looked at.`

/** `relay doctor`: what is wrong, and what to do. */
export function addDoctor({ program, surroundings, ending }: Frame): void {
  program
    .command('doctor')
    .description('looks at everything that seam-relay depends on, and says what is wrong and what to do')
    .option('--webhook-url <url>', 'the URL that Seam is to post to, to compare it with what Seam has')
    .option('--json', 'answers in JSON')
    .addHelpText('after', AFTER_HELP)
    .action(ending(async (options: DoctorOptions) => doctor(surroundings, options)))
}

async function doctor(
  { environment, clock, terminal }: Surroundings,
  options: DoctorOptions,
): Promise<ExitCode> {
  const webhookUrl = options.webhookUrl === undefined ? null : httpUrl(options.webhookUrl, '--webhook-url')
  const config = readConfig(environment)
  const { examine } = await import('./doctor/examine.ts')
  const lines = await examine({ config, clock, webhookUrl, timeoutMs: TIMEOUT_MS })
  const wrong = lines.filter(({ state }) => state === 'wrong').length
  if (options.json === true) {
    const told = lines.map(({ about, state, text, advice }) => ({
      about,
      state,
      text,
      ...(advice === undefined ? {} : { do: advice }),
    }))
    terminal.say(harmlessJson({ well: wrong === 0, lines: told }))
  } else {
    terminal.say(shown(lines, terminal).join('\n'))
    terminal.say(`\n${summaryOf(lines, wrong)}`)
  }
  return wrong === 0 ? EXIT.well : EXIT.not
}

function shown(lines: readonly Line[], terminal: Terminal): string[] {
  const heads = aligned(lines.map(({ state, about }) => [state, harmless(about)])).map((head) =>
    head.trimEnd(),
  )
  const width = Math.max(...heads.map((head) => head.length)) + 2
  const columns = Math.max(Math.min(terminal.columns, MAX_COLUMNS) - width, 30)
  const indent = ' '.repeat(width)
  return lines.flatMap(({ state, text, advice }, index) => {
    const head = (heads[index] ?? '').padEnd(width)
    const painted = terminal.paint(STYLES[state], head.slice(0, state.length)) + head.slice(state.length)
    const [first = '', ...rest] = wrapped(harmless(text), columns)
    const todo = advice === undefined ? [] : wrapped(`→ ${harmless(advice)}`, columns)
    return [painted + first, ...[...rest, ...todo].map((line) => indent + line)]
  })
}

function summaryOf(lines: readonly Line[], wrong: number): string {
  const looks = lines.filter(({ state }) => state === 'look').length
  const more = looks === 0 ? '' : ` ${counted(looks, 'line')} to look at.`
  return wrong === 0
    ? `Nothing is wrong.${more}`
    : `${counted(wrong, 'thing is', 'things are')} wrong.${more}`
}
