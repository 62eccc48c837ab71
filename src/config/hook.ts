import Type from 'typebox'
import type { Static } from 'typebox'
import { UUID_PATTERN } from '../events/event.ts'
import { EVENT_PATTERN } from '../events/event-pattern.ts'
import { HTTP_URL_EXPECTED } from './http-url.ts'

/** The longest delay of Node's timers. A longer one would fire at once. */
const MAX_TIMER_MS = 2_147_483_647
const DAY_MS = 86_400_000

const strict = { additionalProperties: false }

/**
 * One downstream hook. The descriptions are what a mistake says was expected. Rules that a schema cannot state are in
 * hook-mistakes.ts.
 */
export const HookSchema = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-z0-9-]{1,64}$',
      description: 'a name of at most 64 characters from a-z, 0-9 and -',
    }),
    url: Type.String({ description: HTTP_URL_EXPECTED }),
    events: Type.Array(Type.String({ pattern: EVENT_PATTERN }), {
      minItems: 1,
      default: ['*'],
      description: 'a list of event types, each like acs_credential.issued, acs_credential.* or *',
    }),
    workspaces: ids('workspace ids'),
    systems: ids('access system ids'),
    accounts: ids('connected account ids'),
    secrets: Type.Array(Type.String(), {
      maxItems: 8,
      default: [],
      description: 'a list of at most 8 signing secrets',
    }),
    headers: Type.Record(Type.String(), Type.String(), {
      default: {},
      description: 'header names and their values',
    }),
    timeoutMs: milliseconds(15_000, 1, 600_000),
    concurrency: count(16, 1, 1024),
    maxPerSecond: Type.Number({
      minimum: 0,
      maximum: 100_000,
      default: 0,
      description: 'a number, 0 (no limit) to 100000',
    }),
    ordering: Type.Union([Type.Literal('none'), Type.Literal('credential')], {
      default: 'none',
      description: '"none" or "credential"',
    }),
    retry: Type.Object(
      {
        initialDelayMs: milliseconds(1000, 1, DAY_MS),
        maxDelayMs: milliseconds(3_600_000, 1, 7 * DAY_MS),
        giveUpAfterMs: milliseconds(259_200_000, 0, 365 * DAY_MS),
      },
      { ...strict, default: {}, description: 'initialDelayMs, maxDelayMs and giveUpAfterMs' },
    ),
    breaker: Type.Object(
      { failures: count(10, 1, 1_000_000), cooldownMs: milliseconds(30_000, 1, MAX_TIMER_MS) },
      { ...strict, default: {}, description: 'failures and cooldownMs' },
    ),
  },
  strict,
)

/** A hook that is right, with every default filled in. */
export type Hook = Static<typeof HookSchema>

function ids(of: string) {
  return Type.Optional(
    Type.Array(Type.String({ pattern: UUID_PATTERN }), {
      minItems: 1,
      description: `a list of ${of} (UUIDs)`,
    }),
  )
}

function milliseconds(fallback: number, minimum: number, maximum: number) {
  return Type.Integer({
    minimum,
    maximum,
    default: fallback,
    description: `a whole number of milliseconds, ${minimum} to ${maximum}`,
  })
}

function count(fallback: number, minimum: number, maximum: number) {
  return Type.Integer({
    minimum,
    maximum,
    default: fallback,
    description: `a whole number, ${minimum} to ${maximum}`,
  })
}
