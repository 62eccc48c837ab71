import { InvalidArgumentError } from 'commander'
import { BegunReplay, DryRun, Replay } from '../operator/api/shapes/action.ts'
import type { ApiClient } from './api-client.ts'
import { asking, withAskingOptions } from './asking.ts'
import type { AskingOptions } from './asking.ts'
import { CommandError, EXIT, usedWrongly } from './command-error.ts'
import type { ExitCode } from './command-error.ts'
import type { Frame, Surroundings } from './frame.ts'
import { harmlessJson } from './harmless.ts'
import { replayLines } from './inspect-lines.ts'
import { watch } from './replay-progress.ts'
import { requestOf, sentenceOf } from './replay-request.ts'
import type { ReplayFilters } from './replay-request.ts'

interface ReplayOptions extends AskingOptions, ReplayFilters {
  dryRun?: true
  yes?: true
  wait: boolean
  cancel?: string
}

const AFTER_HELP = `
Without --state, only dead letters are sent again. It always says first how many deliveries that are, and
asks before it begins; --yes begins at once. Receivers see these events again, under the same webhook-id.

  relay replay --hook access-log --code timeout --dry-run     how many would that be?
  relay replay --hook access-log --since 24h                  the dead letters since yesterday
  relay replay --hook access-log --state delivered --since 2026-03-01T10:00:00Z
  relay replay --hook new-one --missing --per-second 20       what was before the hook was there

Exit code 0: done, or nothing to do. 1: not done, or cancelled. 2: used wrongly; nothing was sent.`

/** `relay replay`: sends events again, on a person's word. */
export function addReplay({ program, surroundings, ending }: Frame): void {
  const command = program
    .command('replay')
    .description('sends events again: says how many, asks, and shows how far it is')
    .option('--hook <name>', 'only deliveries to this hook')
    .option('--state <state>', 'dead, delivered or pending; may be given several times', listOf)
    .option('--code <code>', 'only those whose last failure had this code')
    .option('--since <time>', 'only events accepted from then on: a time, a date, or 24h, 7d ago')
    .option('--until <time>', 'only events accepted before then')
    .option('--event-id <id>', 'only this event; may be given several times', listOf)
    .option('--missing', 'with --hook: events from before the hook was there, which it never got')
    .option('--per-second <number>', 'at most so many a second', wholeNumber)
    .option('--dry-run', 'only says how many that would be')
    .option('--yes', 'does not ask')
    .option('--no-wait', 'begins it and does not wait for its end')
    .option('--cancel <id>', 'ends a replay that is under way; what it has sent stays sent')
    .addHelpText('after', AFTER_HELP)
  withAskingOptions(command).action(ending(async (options: ReplayOptions) => replay(surroundings, options)))
}

async function replay(surroundings: Surroundings, options: ReplayOptions): Promise<ExitCode> {
  const { terminal, clock } = surroundings
  const asJson = options.json === true
  const wanted = requestOf(options, clock.wallMs())
  const isFiltered = Object.keys(wanted).length > 0 || options.dryRun === true
  if (options.cancel !== undefined && isFiltered) throw usedWrongly('--cancel stands alone')
  // Before anything is asked: a script without --yes should fail in the same way every time.
  if (
    options.cancel === undefined &&
    options.dryRun !== true &&
    options.yes !== true &&
    (asJson || !terminal.hasPerson)
  ) {
    throw usedWrongly(
      'nobody is here to be asked whether to begin',
      'Look with --dry-run, then begin with --yes.',
    )
  }
  return asking(surroundings, options, async (api) => {
    if (options.cancel !== undefined) return cancel(api, options.cancel)
    const { value, raw } = await api
      .post(DryRun, '/api/replay', { ...wanted, dry_run: true })
      .catch(refuseUnknownHook)
    const count = value.would_replay
    if (!asJson) terminal.say(sentenceOf(wanted, count))
    if (options.dryRun === true && asJson) terminal.say(harmlessJson(raw))
    if (options.dryRun === true) return EXIT.well
    if (count === 0 && !asJson) return EXIT.well
    if (options.yes !== true) {
      terminal.say('Receivers will see these events again, under the same webhook-id.')
      if (!(await terminal.confirms('Begin?'))) {
        terminal.complain('nothing was sent')
        return EXIT.not
      }
    }
    const begun = await api.post(BegunReplay, '/api/replay', wanted)
    if (!options.wait) {
      terminal.say(asJson ? harmlessJson(begun.raw) : `begun as replay ${begun.value.id}`)
      return EXIT.well
    }
    return watched(api, begun.value.id)
  })

  async function watched(api: ApiClient, id: string): Promise<ExitCode> {
    const seen = await watch({ api, id, surroundings })
    if (asJson) terminal.say(harmlessJson(seen.raw))
    else if (seen.value.state === 'running') {
      terminal.say(`replay ${id} goes on in the background; relay replay --cancel ${id} ends it`)
    } else terminal.say(endOf(seen.value))
    return seen.value.state === 'finished' || seen.value.state === 'running' ? EXIT.well : EXIT.not
  }

  async function cancel(api: ApiClient, id: string): Promise<ExitCode> {
    const { value, raw } = await api.delete(Replay, `/api/replays/${encodeURIComponent(id)}`)
    terminal.say(asJson ? harmlessJson(raw) : replayLines(value).join('\n'))
    return value.state === 'cancelled' ? EXIT.well : EXIT.not
  }
}

/** The name of a hook is what was asked for by name, so nothing else can be what is not found. */
function refuseUnknownHook(error: unknown): never {
  if (error instanceof CommandError && error.code === 'not_found') throw usedWrongly(error.message)
  throw error
}

function endOf({ state, replayed, would_replay: total, error }: Replay): string {
  const done = `${replayed} of ${total} put back to be delivered`
  switch (state) {
    case 'finished':
      return `done: ${done}`
    case 'cancelled':
      return `cancelled: ${done}`
    case 'failed':
      return `failed (${error ?? 'unknown'}): ${done}`
    case 'running':
      return `under way: ${done}`
  }
}

function listOf(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(',').filter((one) => one !== '')]
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It takes a whole number from 1 on.')
}
