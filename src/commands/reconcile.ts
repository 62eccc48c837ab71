import { Reconciled } from '../operator/api/shapes/action.ts'
import { counted } from './amount.ts'
import { asking, withAskingOptions } from './asking.ts'
import type { AskingOptions } from './asking.ts'
import { EXIT } from './command-error.ts'
import type { ExitCode } from './command-error.ts'
import type { Frame, Surroundings } from './frame.ts'
import { harmlessJson } from './harmless.ts'
import { timeArgument } from './time-argument.ts'

interface ReconcileOptions extends AskingOptions {
  since: string
  until?: string
  dryRun?: true
}

const AFTER_HELP = `
seam-relay does this by itself, every RECONCILE_INTERVAL_S; this asks for a span now. It needs SEAM_API_KEY there.
What is missing is taken in and delivered as if its webhook had come; --dry-run only counts it.
Exit code 0: nothing is missing any more. 1: something is.`

/** `relay reconcile`: asks Seam now what was missed. */
export function addReconcile({ program, surroundings, ending }: Frame): void {
  const command = program
    .command('reconcile')
    .description('asks Seam for the events of a span, and takes in those whose webhooks never came')
    .requiredOption('--since <time>', 'from when on: a time, a date, or 24h, 7d ago')
    .option('--until <time>', 'until when (default: now)')
    .option('--dry-run', 'only counts what is missing')
    .addHelpText('after', AFTER_HELP)
  withAskingOptions(command).action(
    ending(async (options: ReconcileOptions) => reconcile(surroundings, options)),
  )
}

async function reconcile(surroundings: Surroundings, options: ReconcileOptions): Promise<ExitCode> {
  const { terminal, clock } = surroundings
  const now = clock.wallMs()
  const { until, dryRun } = options
  const request = {
    since: timeArgument('--since', options.since, now),
    ...(until === undefined ? {} : { until: timeArgument('--until', until, now) }),
    ...(dryRun === undefined ? {} : { dry_run: dryRun }),
  }
  const { value, raw } = await asking(surroundings, options, (api) =>
    api.post(Reconciled, '/api/reconcile', request),
  )
  terminal.say(options.json === true ? harmlessJson(raw) : sentenceOf(value, dryRun === true))
  return value.missed > value.recovered ? EXIT.not : EXIT.well
}

function sentenceOf({ checked, missed, recovered }: Reconciled, isDryRun: boolean): string {
  const compared = `${counted(checked, 'event')} of Seam compared`
  if (missed === 0) return `${compared}: none is missing.`
  const lacking = `${counted(missed, 'event')} ${missed === 1 ? 'was' : 'were'} missing`
  return isDryRun
    ? `${compared}: ${lacking}; none was taken in (--dry-run).`
    : `${compared}: ${lacking}, ${recovered} taken in now.`
}
