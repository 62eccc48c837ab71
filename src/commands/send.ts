import { Agent, request } from 'undici'
import { EVENT_TYPE_PATTERN } from '../events/event.ts'
import { VERSION } from '../version.ts'
import { EXIT, usedWrongly } from './command-error.ts'
import type { ExitCode } from './command-error.ts'
import type { Frame, Surroundings } from './frame.ts'
import { harmless, harmlessJson } from './harmless.ts'
import { aligned, wrapped } from './layout.ts'
import { sampleBody, signAsSeam, strangerSecret } from './seam-event.ts'
import type { SeamWebhook } from './seam-event.ts'
import { verdictOf } from './send-verdict.ts'
import type { SendAnswer, Sent } from './send-verdict.ts'
import { httpUrl, readSettings, urlOf } from './settings-at-hand.ts'
import { unreached } from './unreached.ts'

interface SendOptions {
  type: string
  to?: string
  secret: string
  misfit?: true
  forge?: true
  json?: true
}

/** As patient as Seam is. */
const TIMEOUT_MS = 15_000
/** No answer of seam-relay is longer. */
const MAX_ANSWER_BYTES = 65_536

const AFTER_HELP = `
The event is a sample, as those that Seam's console sends for a test: its ids are all zeros. It is accepted however
often it is sent, and goes to every hook that wants its type.
Exit code 0: the answer is the right one for what was sent. 1: it is another, or none came.`

/** `relay send`: the check after a deployment. Signs and posts an event as Seam would, and shows the answer. */
export function addSend({ program, surroundings, ending }: Frame): void {
  program
    .command('send')
    .description('signs and posts an event as Seam would, and shows the answer')
    .option('--type <type>', 'issued, reissued, invalidated, deleted, or a whole event type', 'issued')
    .option('--to <url>', 'where to post it (default: the webhook route of the settings at hand)')
    .option('--secret <number>', 'which secret of SEAM_WEBHOOK_SECRET signs, the first being 1', '1')
    .option('--misfit', 'leaves out a field: it should be quarantined')
    .option('--forge', "signs with a secret that is not Seam's: it should be refused")
    .option('--json', 'answers in JSON')
    .addHelpText('after', AFTER_HELP)
    .action(ending(async (options: SendOptions) => send(surroundings, options)))
}

async function send({ environment, clock, terminal }: Surroundings, options: SendOptions): Promise<ExitCode> {
  const eventType = eventTypeOf(options.type)
  const sent = sentOf(options)
  const url = options.to === undefined ? ownRoute(environment) : httpUrl(options.to, '--to').href
  const secret = sent === 'forged' ? strangerSecret() : secretOf(environment, options.secret)
  const now = clock.wallMs()
  const body = sampleBody({ eventType, misfit: sent === 'misfit', now })
  const webhook = signAsSeam(secret, body, now)

  const startedAt = clock.steadyMs()
  const { answer, text } = await post(url, webhook)
  const durationMs = Math.round(clock.steadyMs() - startedAt)

  const { isWell, meaning } = verdictOf(sent, answer)
  if (options.json === true) {
    const { messageId } = webhook
    const about = { url, event_type: eventType, message_id: messageId, sent, duration_ms: durationMs }
    terminal.say(
      harmlessJson({ well: isWell, ...about, status: answer.status, answer: parsed(text), meaning }),
    )
  } else {
    const word = terminal.paint(isWell ? 'green' : 'red', `${answer.status} ${answer.word ?? ''}`.trim())
    const rows = [
      ['sent', `${eventType}${sent === 'right' ? '' : ` (${sent})`}, message ${webhook.messageId}`],
      ['to', url],
      ['answer', `${word} after ${durationMs} ms`],
      ['', harmless(text.slice(0, 500))],
    ]
    terminal.say(aligned(rows).join('\n'))
    terminal.say(`\n${wrapped(harmless(meaning), Math.min(terminal.columns, 100)).join('\n')}`)
  }
  return isWell ? EXIT.well : EXIT.not
}

function eventTypeOf(type: string): string {
  const eventType = type.includes('.') ? type : `acs_credential.${type}`
  if (new RegExp(EVENT_TYPE_PATTERN).test(eventType) && eventType.length <= 100) return eventType
  throw usedWrongly(
    '--type takes issued, reissued, invalidated, deleted, or an event type such as device.connected',
  )
}

function sentOf({ misfit, forge }: SendOptions): Sent {
  if (misfit === true && forge === true) {
    throw usedWrongly('--misfit and --forge exclude each other: a forged webhook is refused unread')
  }
  return misfit === true ? 'misfit' : forge === true ? 'forged' : 'right'
}

function ownRoute(environment: NodeJS.ProcessEnv): string {
  const address = readSettings(environment, (read) => ({
    host: read.text('HOST') ?? '0.0.0.0',
    port: read.integer('PORT', 3000, 0, 65_535),
  }))
  return `${urlOf(address, '--to')}/webhooks/seam`
}

function secretOf(environment: NodeJS.ProcessEnv, number: string): string {
  const secrets = readSettings(environment, (read) => read.incomingSecrets('SEAM_WEBHOOK_SECRET'))
  const secret = /^\d{1,4}$/.test(number) ? secrets[Number(number) - 1] : undefined
  if (secret !== undefined) return secret
  const count = secrets.length === 1 ? 'one secret' : `${secrets.length} secrets`
  throw usedWrongly(`--secret takes a number: SEAM_WEBHOOK_SECRET has ${count}, the first being 1`)
}

async function post(
  url: string,
  { headers, body }: SeamWebhook,
): Promise<{ answer: SendAnswer; text: string }> {
  const agent = new Agent({
    connect: { timeout: TIMEOUT_MS },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    maxResponseSize: MAX_ANSWER_BYTES,
  })
  try {
    const response = await request(url, {
      method: 'POST',
      headers: { ...headers, 'user-agent': `seam-relay/${VERSION} send` },
      body,
      dispatcher: agent,
    })
    const text = await response.body.text()
    return { answer: answerOf(response.statusCode, text), text }
  } catch (error) {
    throw unreached(url, error, '--to')
  } finally {
    await agent.destroy()
  }
}

function answerOf(status: number, text: string): SendAnswer {
  const document = parsed(text)
  if (typeof document !== 'object' || document === null) return { status, word: null }
  const { code, status: word, detail } = document as Record<string, unknown>
  const ownWord = typeof code === 'string' ? code : typeof word === 'string' ? word : null
  return { status, word: ownWord, ...(typeof detail === 'string' ? { detail } : {}) }
}

/** The answer as JSON, or as it stands. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
