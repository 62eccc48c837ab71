import { Overview } from '../operator/api/shapes/overview.ts'
import type { Finding, HookHealth, WorkspaceReconciliation } from '../operator/api/shapes/overview.ts'
import { span } from './amount.ts'
import { asking, withAskingOptions } from './asking.ts'
import type { AskingOptions } from './asking.ts'
import { EXIT } from './command-error.ts'
import type { ExitCode } from './command-error.ts'
import type { Frame, Surroundings } from './frame.ts'
import { harmlessJson } from './harmless.ts'
import { aligned, wrapped } from './layout.ts'
import { moment } from './moment.ts'
import type { Style, Terminal } from './terminal.ts'

const MAX_COLUMNS = 110
const STYLES: Record<Overview['verdict'], Style> = { ok: 'green', attention: 'yellow', act: 'red' }

/** `relay overview`: is anything lost or late, and must I act? */
export function addOverview({ program, surroundings, ending }: Frame): void {
  const command = program
    .command('overview')
    .description('says whether anything is lost or late, and what to do')
    .addHelpText(
      'after',
      '\nExit code 0: nobody has to act, though something may be worth a look. 1: somebody has to, or no answer came.',
    )
  withAskingOptions(command).action(ending(async (options: AskingOptions) => overview(surroundings, options)))
}

async function overview(surroundings: Surroundings, options: AskingOptions): Promise<ExitCode> {
  const { value, raw } = await asking(surroundings, options, (api) => api.get(Overview, '/api/overview'))
  const { terminal } = surroundings
  terminal.say(options.json === true ? harmlessJson(raw) : overviewLines(value, terminal).join('\n'))
  return value.verdict === 'act' ? EXIT.not : EXIT.well
}

export function overviewLines(overview: Overview, terminal: Pick<Terminal, 'paint' | 'columns'>): string[] {
  const { verdict, sentence, findings, hooks, reconciliation } = overview
  const columns = Math.min(terminal.columns, MAX_COLUMNS)
  return [
    ...wrapped(sentence, columns).map((line) => terminal.paint(STYLES[verdict], line)),
    ...findings.flatMap((finding) => ['', ...findingLines(finding, columns, terminal)]),
    '',
    ...hookLines(hooks, columns),
    '',
    ...aligned([
      ['webhooks', webhooksText(overview)],
      ['quarantine', quarantineText(overview)],
      ...(reconciliation === null
        ? [['reconciliation', 'off: without SEAM_API_KEY nobody asks Seam what was missed']]
        : reconciliation.workspaces.map((one) => ['reconciliation', workspaceText(one)])),
    ]),
  ]
}

function findingLines(
  { severity, text, do: todo, since }: Finding,
  columns: number,
  { paint }: Pick<Terminal, 'paint'>,
): string[] {
  const mark = severity === 'act' ? paint('red', 'act  ') : paint('yellow', 'look ')
  const [first = '', ...rest] = wrapped(
    since === null ? text : `${text} (since ${moment(since)})`,
    columns - 6,
  )
  const more = [...rest, ...wrapped(`→ ${todo}`, columns - 6)]
  return [`${mark} ${first}`, ...more.map((line) => `      ${line}`)]
}

/** A row for each hook, and below it who paused it and why. */
function hookLines(hooks: readonly HookHealth[], columns: number): string[] {
  if (hooks.length === 0) return ['no hook is configured']
  const rows = aligned(hooks.map(hookRow))
  return hooks.flatMap(({ pause }, index) => {
    const row = rows[index] ?? ''
    if (pause === null) return [row]
    const indent = ' '.repeat(Math.max(...hooks.map((one) => one.hook.length)) + 2)
    const why = `by ${pause.paused_by}, ${moment(pause.paused_at)}: ${pause.reason}`
    return [row, ...wrapped(why, columns - indent.length).map((line) => indent + line)]
  })
}

function hookRow(hook: HookHealth): string[] {
  const { pending, dead, oldest_pending_age_ms: oldestMs } = hook
  return [
    hook.hook,
    hookState(hook),
    pending === 0 ? 'nothing waits' : `${pending} waiting, the oldest for ${span(oldestMs)}`,
    dead === 0 ? 'none dead' : `${dead} dead`,
    `last hour: ${hook.delivered_last_hour} delivered, ${hook.failed_last_hour} failed`,
  ]
}

function hookState({ is_configured: isConfigured, pause, breaker }: HookHealth): string {
  if (!isConfigured) return 'not configured'
  if (pause !== null) return 'paused'
  return breaker === null || breaker === 'closed' ? 'on' : `breaker ${breaker}`
}

function webhooksText({ webhooks, now }: Overview): string {
  const { last_at: lastAt, accepted_last_hour: accepted, usual_per_hour: usual } = webhooks
  const last =
    lastAt === null ? 'none came yet' : `the last came ${span(Date.parse(now) - Date.parse(lastAt))} ago`
  const usually = usual === null ? '' : `, usual at this hour: ${Math.round(usual)}`
  return `${last}; ${accepted} accepted in the last hour${usually}`
}

function quarantineText({ quarantine: { open, oldest_age_ms: oldestMs } }: Overview): string {
  return open === 0 ? 'empty' : `${open} held, the oldest ${span(oldestMs)} ago`
}

function workspaceText(workspace: WorkspaceReconciliation): string {
  const { workspace_id: id, confirmed_until: until, failing, checked, missed, recovered } = workspace
  if (failing !== null) return `${id}: failing since ${moment(failing.since)}: ${failing.text}`
  const confirmed = until === null ? 'not compared with Seam yet' : `complete until ${moment(until)}`
  return `${id}: ${confirmed}; ${checked} compared, ${missed} missed, ${recovered} recovered`
}
