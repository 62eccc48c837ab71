import { Value } from 'typebox/value'
import { StreamGap, StreamItem } from '../operator/api/shapes/action.ts'
import type { Clock } from '../time/clock.ts'
import type { ApiClient } from './api-client.ts'
import { asking, withAskingOptions } from './asking.ts'
import type { AskingOptions } from './asking.ts'
import { CommandError, EXIT } from './command-error.ts'
import type { ExitCode } from './command-error.ts'
import type { Frame, Surroundings } from './frame.ts'
import { harmlessIn, harmlessJson } from './harmless.ts'
import { timeOfDay } from './moment.ts'
import { serverSentEvents } from './server-sent-events.ts'
import type { Style, Terminal } from './terminal.ts'

const AGAIN_AFTER_MS = 1000

const AFTER_HELP = `
Goes on until Ctrl-C. A lost connection is made again, and what happened meanwhile follows; where some of it is gone by
then, a line says so. With --json, each line is a JSON document.`

const STYLES: Record<StreamItem['kind'], Style> = {
  accepted: 'bold',
  quarantined: 'yellow',
  delivered: 'green',
  failed: 'yellow',
  dead: 'red',
}

/** `relay tail`: what is accepted, delivered and failed, as it happens, over all replicas. */
export function addTail({ program, surroundings, ending }: Frame): void {
  const command = program
    .command('tail')
    .description('shows what is accepted, delivered and failed, as it happens')
    .addHelpText('after', AFTER_HELP)
  withAskingOptions(command).action(ending(async (options: AskingOptions) => tail(surroundings, options)))
}

async function tail(surroundings: Surroundings, options: AskingOptions): Promise<ExitCode> {
  const { terminal, clock } = surroundings
  const signal = surroundings.follow()
  let lastId: string | null = null
  let isLost = false
  let wasConnected = false
  await asking(surroundings, options, async (api) => {
    while (!signal.aborted) {
      try {
        await follow(api)
      } catch (error) {
        if (signal.aborted) return
        // Who was never let in will not be let in by asking again; nor will who is not let in any more.
        if (!wasConnected || isRefusal(error)) throw error
      }
      if (signal.aborted) return
      if (!isLost) terminal.complain('the connection is lost; trying again')
      isLost = true
      await pause(clock, AGAIN_AFTER_MS, signal)
    }
  })
  return EXIT.well

  async function follow(api: ApiClient): Promise<void> {
    const pieces = await api.open('/api/stream', lastId, signal)
    wasConnected = true
    if (isLost) terminal.complain('connected again')
    isLost = false
    for await (const message of serverSentEvents(pieces)) {
      lastId = message.id
      const { event, data } = message
      const line = data === null ? null : lineOf({ event, data }, terminal, options.json === true)
      if (line !== null) terminal.say(line)
    }
  }
}

interface Message {
  event: string
  data: string
}

/** `null` for a message that this version does not know. */
function lineOf({ event, data }: Message, terminal: Terminal, asJson: boolean): string | null {
  const raw = parsed(data)
  const item: unknown = Value.Clean(StreamItem, harmlessIn(raw))
  if (Value.Check(StreamItem, item)) return asJson ? harmlessJson(raw) : itemLine(item, terminal)
  const gap: unknown = Value.Clean(StreamGap, harmlessIn(raw))
  if (event !== 'gap' || !Value.Check(StreamGap, gap)) return null
  if (asJson) return harmlessJson({ gap: raw })
  const count = gap.skipped === null ? 'some of what happened' : `${gap.skipped} messages`
  return terminal.paint('yellow', `-- a gap: ${count} cannot be shown any more; the lists have everything`)
}

function itemLine({ at, kind, event_type: type, hook, code, id }: StreamItem, terminal: Terminal): string {
  const word = terminal.paint(STYLES[kind], kind.padEnd('quarantined'.length))
  const about = [hook, code, type].filter((one) => one !== null).join('  ')
  return `${timeOfDay(at)}  ${word}  ${id.padEnd(36)}  ${about}`.trimEnd()
}

/** What asking again does not change. A proxy or a replica that is just starting may answer anything else. */
function isRefusal(error: unknown): boolean {
  const final = ['token_missing', 'host_not_allowed', 'not_found', 'request_invalid']
  return error instanceof CommandError && final.includes(error.code)
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(delayMs, end)
    signal.addEventListener('abort', end, { once: true })
    function end(): void {
      timer.close()
      signal.removeEventListener('abort', end)
      resolve()
    }
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
