import { credentialEventSchemas } from '../../events/event.ts'
import { matchesAny } from '../../events/event-pattern.ts'
import type { Line } from './line.ts'
import { look, ok, wrong } from './line.ts'
import type { SeamAnswer, SeamEndpoint } from './seam-webhooks.ts'

/** What the endpoint at Seam has to agree with. */
export interface Expected {
  secrets: readonly string[]
  acceptEventTypes: readonly string[]
  /** The URL that Seam is to post to, if the person named it. */
  webhookUrl: URL | null
}

const PATH = '/webhooks/seam'
const CONSOLE = 'In Seam Console, under Developer → Webhooks'

/** What is to be said of one API key and of the endpoints of its workspace. */
export function seamLines(about: string, answer: SeamAnswer, expected: Expected): Line[] {
  switch (answer.kind) {
    case 'unreached':
      return [
        wrong(
          about,
          `Seam's API cannot be asked: ${answer.why}`,
          'Let this machine reach it, or correct SEAM_API_URL.',
        ),
      ]
    case 'refused':
      return [refusedLine(about, answer.status)]
    case 'endpoints':
      return [ok(about, 'the API key is good'), ...endpointsLines(about, answer.endpoints, expected)]
  }
}

function refusedLine(about: string, status: number): Line {
  if (status === 401 || status === 403)
    return wrong(
      about,
      `Seam refuses the API key (${status})`,
      'Make a new one in Seam Console, and set it in SEAM_API_KEY.',
    )
  if (status === 429) return look(about, 'Seam answers 429: asked too often', 'Ask again in a minute.')
  return look(
    about,
    `Seam's API answers ${status}`,
    "Ask again later; if it stays so, look at Seam's status page.",
  )
}

function endpointsLines(about: string, endpoints: readonly SeamEndpoint[], expected: Expected): Line[] {
  const ours = endpoints.filter((endpoint) => isOurs(endpoint, expected))
  if (ours.length === 0) {
    const url = expected.webhookUrl?.href ?? `https://YOUR-HOST${PATH}`
    const others =
      endpoints.length === 0 ? 'none' : endpoints.map(({ url: one }) => withoutQuery(one)).join(', ')
    const text = `Seam has no webhook endpoint for this seam-relay (it has: ${others})`
    return [
      wrong(about, text, `${CONSOLE}, make one with the URL ${url} and the types of ACCEPT_EVENT_TYPES.`),
    ]
  }
  return ours.flatMap((endpoint) => [
    urlLine(about, endpoint, expected),
    secretLine(about, endpoint, expected),
    typesLine(about, endpoint, expected),
  ])
}

/** By the URL that the person named; without one, by the path, or by a secret that only this seam-relay has. */
function isOurs({ url, secret }: SeamEndpoint, { webhookUrl, secrets }: Expected): boolean {
  if (secret !== null && secrets.includes(secret)) return true
  if (webhookUrl !== null) return URL.parse(url)?.href === webhookUrl.href
  return URL.parse(url)?.pathname.endsWith(PATH) === true
}

function urlLine(about: string, { url }: SeamEndpoint, { webhookUrl }: Expected): Line {
  const shown = withoutQuery(url)
  if (webhookUrl !== null && URL.parse(url)?.href !== webhookUrl.href)
    return wrong(
      about,
      `Seam posts to ${shown}, and not to ${withoutQuery(webhookUrl.href)}`,
      `${CONSOLE}, correct the URL.`,
    )
  if (!url.startsWith('https:'))
    return look(
      about,
      `Seam posts to ${shown}, which is not encrypted`,
      'Put a proxy with TLS in front, and give Seam its https: URL.',
    )
  const hint = webhookUrl === null ? '; is that this one? --webhook-url compares' : ''
  return ok(about, `Seam posts to ${shown}${hint}`)
}

function secretLine(about: string, { url, secret }: SeamEndpoint, { secrets }: Expected): Line {
  if (secret === null)
    return look(
      about,
      "Seam does not tell the endpoint's secret",
      'Compare it with SEAM_WEBHOOK_SECRET by eye, or send a test event from the console.',
    )
  if (secrets.includes(secret)) return ok(about, 'its signing secret is one of SEAM_WEBHOOK_SECRET')
  const text = `the secret of ${withoutQuery(url)} is not in SEAM_WEBHOOK_SECRET: its webhooks are refused (signature_mismatch)`
  return wrong(
    about,
    text,
    `${CONSOLE}, copy its signing secret, and add it to SEAM_WEBHOOK_SECRET, separated by a comma.`,
  )
}

function typesLine(about: string, { eventTypes }: SeamEndpoint, { acceptEventTypes }: Expected): Line {
  if (eventTypes === null || eventTypes.includes('*')) {
    if (acceptEventTypes.includes('*')) return ok(about, 'it sends all types, and all are taken in')
    return ok(about, 'it sends all types; those that ACCEPT_EVENT_TYPES does not name are ignored')
  }
  const missing = missingTypes(acceptEventTypes, eventTypes)
  if (missing.length > 0) {
    const text = `it does not send ${missing.join(', ')}, which ACCEPT_EVENT_TYPES names`
    return wrong(about, text, `${CONSOLE}, pick these types for the endpoint.`)
  }
  const ignored = eventTypes.filter((type) => !matchesAny(acceptEventTypes, type))
  const surplus =
    ignored.length === 0
      ? ''
      : ignored.length === 1
        ? `; ${ignored[0]} is ignored`
        : `; ${ignored.length} others are ignored`
  return ok(about, `it sends the types of ACCEPT_EVENT_TYPES${surplus}`)
}

/** Of the families, only the members that this version knows can be missed one by one. */
function missingTypes(patterns: readonly string[], sent: readonly string[]): string[] {
  return patterns.flatMap((pattern) => {
    const known = Object.keys(credentialEventSchemas).filter((type) => matchesAny([pattern], type))
    if (known.length > 0) return known.filter((type) => !matchesAny(sent, type))
    const isSent = pattern.includes('*')
      ? sent.some((type) => matchesAny([pattern], type))
      : matchesAny(sent, pattern)
    return isSent ? [] : [pattern]
  })
}

function withoutQuery(url: string): string {
  const parsed = URL.parse(url)
  return parsed === null ? 'a URL that cannot be read' : parsed.origin + parsed.pathname
}
