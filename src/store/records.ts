/**
 * What a store keeps for people besides events: counts by minute, what happened a moment ago, what people did, and which hooks
 * they paused. `Records` is written by the `Store`, `RecordQuestions` is asked of the `Reader`. Times are in milliseconds
 * since 1970.
 */
export interface Records {
  /**
   * Adds to the counts of the minute that it is on the store's clock, and writes one row of activity down if there is any.
   * Called about once a second by each process that did something. Old activity, and counts past their age, are deleted in
   * small steps by the way. Unlike elsewhere, asking again after a call whose answer was lost counts a second time.
   */
  record(request: RecordRequest): Promise<void>

  /** Writes down what a person did. */
  recordAction(action: NewAction): Promise<void>

  /** From now on nothing is sent to the hook. Paused already: the first pause stays. Answers what is in force. */
  pauseHook(pause: Omit<HookPause, 'pausedAt'>): Promise<HookPause>
  /** `false`: it was not paused. */
  resumeHook(hook: string): Promise<boolean>
  /** Asked every few seconds by each process that delivers. */
  pausedHooks(): Promise<HookPause[]>

  /** A person has decided: the body is deleted. `false`: there is none of this id (any more). */
  dropQuarantined(id: string): Promise<boolean>
}

export interface RecordQuestions {
  /**
   * Counts of the minutes that begin from `since` up to but without `until`, summed up in steps of `stepMs`, a whole number of
   * minutes. The first step begins at `since`. The oldest step comes first; a step in which nothing happened is left out.
   */
  counts(request: CountsRequest): Promise<CountRow[]>

  /** What was written after this number, oldest first, at most `limit` rows; with -1 nothing but the newest number. */
  activityAfter(number: number, limit: number): Promise<ActivityPage>

  /** The newest first. `after`: the `next` of the page before, which otherwise is the store's own business. */
  listActions(request: ListActions): Promise<ActionsPage>

  /** The hooks that are paused. */
  pauses(): Promise<HookPause[]>
}

/** How long counts are kept: a month, and some days to compare it with the one before. */
export const COUNTS_KEPT_MS = 35 * 86_400_000
/** So many rows of activity are kept: half an hour of one busy process. */
export const ACTIVITY_KEPT_ROWS = 2000
/** Counts past their age that one `record` deletes: more than a minute has, so that deleting keeps up. */
export const COUNTS_DELETED_AT_ONCE = 100
/** Rows of activity that one `record` deletes, which adds one. */
export const ACTIVITY_DELETED_AT_ONCE = 10

/** Of webhooks, with `code` for the refused; of a hook's attempts. `latency`: delivered, with an upper bound in milliseconds as `code`. */
export type CountKind =
  | 'accepted'
  | 'duplicate'
  | 'quarantined'
  | 'ignored'
  | 'refused'
  | 'delivered'
  | 'failed'
  | 'dead'
  | 'latency'

export interface Count {
  kind: CountKind
  /** Empty for webhooks. */
  hook: string
  code: string
  count: number
}

export interface RecordRequest {
  counts: readonly Count[]
  activity: readonly ActivityItem[]
  /** What happened besides `activity`, which was too much to be kept. */
  skipped: number
}

export interface ActivityItem {
  kind: 'accepted' | 'quarantined' | 'delivered' | 'failed' | 'dead'
  at: number
  /** The `event_id`; of a quarantined body its own id. */
  id: string
  eventType: string | null
  hook: string | null
  code: string | null
}

export interface CountsRequest {
  since: number
  until: number
  stepMs: number
}

export interface CountRow extends Count {
  /** The beginning of the step. */
  at: number
}

export interface ActivityPage {
  rows: { number: number; at: number; items: ActivityItem[]; skipped: number }[]
  /** The number of the newest row; 0 without any. */
  newest: number
  /** Rows after the one that was asked for are gone, or the store has never come to that number. */
  hasGap: boolean
}

export interface NewAction {
  /** With which token: `operator`, `reader`, or `loopback` where no token is set. */
  actor: string
  action: string
  target: string
  about: Readonly<Record<string, unknown>>
}

export interface Action extends NewAction {
  number: number
  at: number
}

export interface ListActions {
  /** At most so many. */
  limit: number
  after?: string
}

export interface ActionsPage {
  items: Action[]
  /** `null`: there are no more. */
  next: string | null
}

export interface HookPause {
  hook: string
  pausedAt: number
  pausedBy: string
  reason: string
}

/** The cursor of a page of actions: only those with lower numbers are on it. One that no page ended with leads to nothing. */
export function beforeNumber(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER
  return /^\d{1,15}$/.test(cursor) ? Number(cursor) : 0
}
