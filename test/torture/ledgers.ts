import type { HookName } from './hooks-file.ts'
import type { Message } from './messages.ts'

// What three sides know of a run. All times are milliseconds of one steady clock, that of the process which tortures.

/** One webhook that was sent, with every try. The client's ledger is a list of these. */
export interface Sent extends Omit<Message, 'body'> {
  bodyHash: string
  tries: Try[]
}

export interface Try {
  sentAt: number
  endedAt: number
  /** `null`: no answer came. */
  answer: { status: number; said: string; quarantineId?: string } | null
  /** Hooks that the process which answered surely knew the whole time; `null` where they may have changed meanwhile. */
  hooks: readonly HookName[] | null
}

/** One request at a hook's receiver. The receivers' ledger is a list of these. */
export interface Arrival {
  hook: HookName
  key: string
  /** Which process sent it, as in {@link Life}. */
  process: string
  bodyHash: string
  isSigned: boolean
  credential: string | null
  arrivedAt: number
  /** When the answer was begun; `null` if it broke off before. */
  answeredAt: number | null
  /** When the receiver noticed that the connection was gone, if that came before the answer. */
  brokeAt: number | null
  status: number | null
}

/** What the store holds at the end. */
export interface Stored {
  ids: { seq: number; key: string; duplicates: number }[]
  events: { seq: number; key: string; bodyHash: string }[]
  /** `replays`: how often a person had it sent again. */
  deliveries: { seq: number; hook: string; state: string; attempts: number; replays: number }[]
  attempts: StoredAttempt[]
  quarantine: { id: string; bodyHash: string }[]
}

export interface StoredAttempt {
  seq: number
  hook: string
  attempt: number
  leaseToken: number
  /** By the store's clock, on the scale of all other times here. */
  startedAt: number
  status: number | null
  errorCode: string | null
}

/** A delivery that was not settled when a run ended that could not wait any longer. */
export interface Leftover {
  seq: number
  hook: string
  state: string
  /** Until it may be claimed; negative if that was possible already. Infinite behind an earlier event of its credential. */
  dueInMs: number
}

/** One process from its start to its end. */
export interface Life {
  process: string
  replica: number
  startedAt: number
  /** `null`: it never got so far. */
  listeningAt: number | null
  endedAt: number
  end: 'killed' | 'stopped' | 'by itself'
  exitCode: number | null
  signal: string | null
  /** When `SIGTERM` was sent, if it was. */
  toldToStopAt: number | null
  pauses: Span[]
  /** Its lines of level 60, which stand for a bug, a lost store or a failed start. */
  fatal: string[]
}

export interface Span {
  from: number
  to: number
}

/** A person had paused this hook: from when the pause was answered until its end was asked for. */
export interface Hold extends Span {
  hook: HookName
}

/** What was done to the processes, and to what they stand on. */
export interface Disturbances {
  lives: Life[]
  /** The database was away, or the disk full. */
  outages: Span[]
  /** The hooks file had a mistake in it. */
  mistakes: Span[]
  holds: Hold[]
}

export interface Ledgers {
  sent: readonly Sent[]
  arrivals: readonly Arrival[]
  leftover: readonly Leftover[]
  stored: Stored
  disturbances: Disturbances
}
