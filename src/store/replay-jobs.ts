/**
 * What people ask to be sent again, and what they give up. The part of the `Store` that does it; all of it goes in small steps, so
 * that no webhook waits for it. Times are points, in milliseconds since 1970 on the store's clock.
 */
export interface ReplayJobs {
  /**
   * Begins a replay, which `stepReplay` then does. A delivery that is put back is pending and due now, without failures,
   * its age beginning anew; or it is made, where the scope is what a hook is missing. Counted in each delivery's
   * history, which otherwise stays. Events that are accepted later are not part of it. Asking again with the same id
   * begins nothing further.
   */
  createReplay(request: NewReplay): Promise<ReplayJob>

  /**
   * The replay whose turn it is: they go one after the other. Those of events that a person has named go first, because they are few
   * and somebody waits for them; otherwise the one that began first.
   */
  runningReplay(): Promise<ReplayJob | null>

  /**
   * One small step of a replay, if it is running and its next step is due. Where several processes ask, one takes the step.
   * A step goes on from where the one before came to, which is written down together with what it put back: so no
   * delivery is put back twice by one replay, whatever becomes of it meanwhile. In each hook it goes in the order of
   * acceptance. Leased deliveries are left alone.
   *
   * At an ordered hook, a later event of the same credential may be under way. Then the delivery is put back, but is due
   * only when that lease runs out, and until then no other of its credential is claimed; the step ends there. The steps after it
   * put back nothing until the later one has been settled, and then make it due. So a replay waits for one attempt, however
   * many more are in line behind it.
   */
  stepReplay(request: StepReplayRequest): Promise<ReplayStep>

  /** Ends a replay that is running. What it has put back stays so. `null`: there is none of this id. */
  endReplay(request: EndReplayRequest): Promise<ReplayJob | null>

  /**
   * One small step of giving up what a hook that is no longer configured has pending: each such delivery becomes dead, and
   * `prune` may delete its event as if it had been delivered. A delivery whose lease has not run out is left alone. Nothing
   * is left to give up once a step gives up fewer than `limit`.
   */
  discard(request: DiscardRequest): Promise<{ discarded: number }>

  /**
   * One small step of giving up dead letters of a hook, on a person's word: they stay dead and can still be replayed, but they wait for
   * nobody any more, and `prune` may delete their events. A pass is a step without `after` and further ones, each `after` the
   * `next` of the one before, until that is `null`.
   */
  dismiss(request: DismissRequest): Promise<DismissResult>
}

/** Which acceptances: from `since` up to but without `until`, and only these ids where they are given. */
export interface AcceptedSpan {
  since?: number
  until?: number
  webhookIds?: readonly string[]
}

/** What a replay puts back: deliveries that there are, or those that a hook is missing. */
export type ReplayScope = ReplayFilter | ReplayMissing

/** What is left out does not narrow. */
export interface ReplayFilter extends AcceptedSpan {
  hook?: string
  /** By default the dead; where `webhookIds` are given, the dead and the delivered. */
  states?: readonly ReplayedState[]
  /** The code of the delivery's last failure; `null`: only those of which none is recorded. */
  code?: string | null
}

export type ReplayedState = 'dead' | 'delivered' | 'pending'

/** The events that a hook wants and has no delivery of: those from before it was there. */
export interface ReplayMissing extends AcceptedSpan {
  hook: string
  missing: {
    /** The hook's event patterns. */
    events: readonly string[]
    /** The hook's workspaces, systems and connected accounts, in lower case; `null` or nothing for all. */
    workspaces: readonly string[] | null
    systems?: readonly string[] | null
    accounts?: readonly string[] | null
  }
}

export interface CountReplayRequest {
  scope: ReplayScope
  /** How many rows the step looks at. */
  limit: number
  after?: ReplayWalk
}

export interface CountReplayResult {
  count: number
  next: ReplayWalk | null
}

/** Up to where a walk along the deliveries, or along the events, has come; the store's own business. */
export interface ReplayWalk {
  seq: number
  hook: string
  /** The last event of the walk. */
  uptoSeq: number
  /** The events that were named, in order; `null` where none were. */
  seqs: readonly number[] | null
}

export interface NewReplay {
  /** A UUID of the caller's. */
  id: string
  scope: ReplayScope
  /** At most so many deliveries are put back in a second; `null`: as fast as the steps go. */
  perSecond: number | null
  /** What was counted before. */
  wouldReplay: number
}

export interface ReplayJob extends NewReplay {
  state: 'running' | EndOfReplay
  replayed: number
  /** Milliseconds since 1970. */
  createdAt: number
  /** Milliseconds since 1970; `null` while it runs. */
  endedAt: number | null
  /** Why it failed; `null` where it did not. */
  error: string | null
}

export type EndOfReplay = 'finished' | 'cancelled' | 'failed'

export interface StepReplayRequest {
  id: string
  /** How many deliveries the step puts back at most. It looks at up to ten times as many. */
  limit: number
  /** No step of this replay follows sooner than this. */
  pauseMs: number
  /** The hooks that take the events of a credential in order. */
  orderedHooks: readonly string[]
}

export interface ReplayStep {
  replayed: number
  /** `true`: something became due with it, or will be when a lease runs out, so who delivers has to look. */
  changesDue: boolean
  /** `true` for the first step of a replay, and only for the process that took it. */
  isFirst: boolean
  /** Until its next step may be taken; `null`: it has ended. */
  nextStepInMs: number | null
  /** `true` where this step ended it, and only for the process that took it. */
  isLast: boolean
}

export interface EndReplayRequest {
  id: string
  state: 'cancelled' | 'failed'
  error?: string
}

export interface DiscardRequest {
  hook: string
  /** How many deliveries the step gives up at most. */
  limit: number
}

export interface DismissRequest {
  hook: string
  /** Only those whose last failure had this code; `null`: of which none is recorded. */
  code?: string | null
  /** How many dead letters the step looks at. */
  limit: number
  after?: number
}

export interface DismissResult {
  dismissed: number
  next: number | null
}
