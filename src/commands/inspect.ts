import { QuarantineDetail, Replay } from '../operator/api/shapes/action.ts'
import { CredentialStory, EventDetail, EventsPage, SearchResult } from '../operator/api/shapes/event.ts'
import type { ApiAnswer, ApiClient } from './api-client.ts'
import { asking, withAskingOptions } from './asking.ts'
import type { AskingOptions } from './asking.ts'
import { CommandError, EXIT } from './command-error.ts'
import type { ExitCode } from './command-error.ts'
import type { Frame, Surroundings } from './frame.ts'
import { harmlessJson } from './harmless.ts'
import { credentialLines, eventLines, eventsLines, quarantineLines, replayLines } from './inspect-lines.ts'
import { aligned } from './layout.ts'
import type { Terminal } from './terminal.ts'

interface InspectOptions extends AskingOptions {
  as?: string
  reveal?: true
}

type Hit = SearchResult['items'][number]

const AFTER_HELP = `
ID is whatever id you have: of an event, a credential, a workspace, a message, a quarantined body, a replay.
PINs in payloads are masked. --reveal shows them, and the action log keeps that you asked.`

/** `relay inspect ID`: what it is, and everything about it. */
export function addInspect({ program, surroundings, ending }: Frame): void {
  const command = program
    .command('inspect')
    .description('says what an id is, and shows everything about it')
    .argument('<id>', 'any id')
    .option('--as <kind>', 'where an id belongs to several things: event, credential, workspace, …')
    .option('--reveal', 'shows PINs, which are masked otherwise')
    .addHelpText('after', AFTER_HELP)
  withAskingOptions(command).action(
    ending(async (id: string, options: InspectOptions) => inspect(surroundings, id, options)),
  )
}

async function inspect(surroundings: Surroundings, id: string, options: InspectOptions): Promise<ExitCode> {
  const { terminal } = surroundings
  return asking(surroundings, options, async (api) => {
    const {
      value: { items },
      raw,
    } = await api.get(SearchResult, '/api/search', { q: id })
    const hit = options.as === undefined ? items[0] : items.find(({ kind }) => kind === options.as)
    if (hit === undefined) throw unknown(id, options.as, items)
    const shown = await detailOf(api, hit, options.reveal === true, terminal)
    if (options.json === true) {
      terminal.say(harmlessJson({ kind: hit.kind, id: hit.id, detail: shown?.raw ?? null, found: raw }))
      return EXIT.well
    }
    terminal.say(terminal.paint('bold', `${hit.kind} ${hit.id}`))
    terminal.say(hit.text)
    if (shown !== null) terminal.say(`\n${shown.lines.join('\n')}`)
    const others = items.filter((other) => other !== hit)
    if (others.length > 0) {
      terminal.say('\nalso found (--as KIND shows it, or its own id):')
      terminal.say(aligned(others.map((other) => [`  ${other.kind}`, other.id, other.text])).join('\n'))
    }
    return EXIT.well
  })
}

function unknown(id: string, as: string | undefined, items: readonly Hit[]): CommandError {
  const asKind = as === undefined ? '' : ` as ${as}`
  const kinds = items.map(({ kind }) => kind).join(', ')
  return new CommandError({
    code: 'not_found',
    message: `nothing is known by the id ${JSON.stringify(id.slice(0, 200))}${asKind}`,
    advice:
      kinds === ''
        ? 'Older events may be gone: PAYLOAD_RETENTION_DAYS says how long they are kept.'
        : `It is known as: ${kinds}.`,
  })
}

interface Shown {
  raw: unknown
  lines: string[]
}

/** `null` for what has no page of its own. */
async function detailOf(
  api: ApiClient,
  { kind, id }: Hit,
  reveal: boolean,
  terminal: Terminal,
): Promise<Shown | null> {
  const path = encodeURIComponent(id)
  const revealing = reveal ? { reveal } : {}
  switch (kind) {
    case 'event':
      return shown(await api.get(EventDetail, `/api/events/${path}`, revealing), (event) =>
        eventLines(event, terminal),
      )
    case 'credential':
      return shown(await api.get(CredentialStory, `/api/credentials/${path}`), (story) =>
        credentialLines(story, terminal),
      )
    case 'quarantine':
      return shown(await api.get(QuarantineDetail, `/api/quarantine/${path}`, revealing), quarantineLines)
    case 'replay':
      return shown(await api.get(Replay, `/api/replays/${path}`), replayLines)
    case 'workspace':
      return shown(await api.get(EventsPage, '/api/events', { workspace: id, limit: 20 }), eventsLines)
    case 'system':
    case 'account':
      return null
  }
}

function shown<T>({ value, raw }: ApiAnswer<T>, linesOf: (value: T) => string[]): Shown {
  return { raw, lines: linesOf(value) }
}
