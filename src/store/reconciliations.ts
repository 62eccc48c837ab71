/**
 * How far Seam's own list of events has been compared with what is stored, for each workspace. `Reconciliations` is written by
 * the `Store`, `ReconciliationQuestions` is asked of the `Reader`. Points in time are in milliseconds since 1970: those of
 * events on Seam's clock, by which it lists them, all others on the store's.
 */
export interface Reconciliations {
  /**
   * Becomes, or stays, the one process that reconciles, for so long. Each taking by another holder raises the token, so that
   * one that was paused meanwhile is refused by `recordReconciled`. A store that only one process can have is always free.
   */
  takeReconciling(request: { holder: string; leaseMs: number }): Promise<ReconcilingLease>

  /** The next process need not wait until the lease runs out. What another holder has is left alone. */
  leaveReconciling(request: { holder: string }): Promise<void>

  /** What is known of each workspace, or of a key whose workspace is not known yet. */
  reconciledWorkspaces(): Promise<ReconciledWorkspace[]>

  /**
   * Keeps which workspace a key belongs to, and makes the row. What was kept under the key alone, before its workspace was
   * known, goes over to the workspace; where that has a row already, the row stays.
   */
  enterReconciled(request: { token: number; workspaceId: string; keyPrint: string }): Promise<boolean>

  /**
   * The content hashes of the events that are known under these keys (as `dedupKey` makes them), in the order of the request: one
   * lookup for a whole batch. `null`: it never came, or so long ago that nobody remembers.
   */
  knownHashes(dedupKeys: readonly string[]): Promise<(string | null)[]>

  /** Whether bodies with these fingerprints are in quarantine, in the order of the request. */
  areQuarantined(fingerprints: readonly string[]): Promise<boolean[]>

  /**
   * One window has been compared and what was missing in it is on disk. The confirmed time only moves forward. `false`:
   * the token is no longer the latest one, and nothing was written.
   */
  recordReconciled(request: ReconciledWindow): Promise<boolean>
}

export type ReconcilingLease =
  | { isHeld: true; token: number }
  /** Another process has it for so long, in milliseconds. */
  | { isHeld: false; freeInMs: number }

export interface ReconciledWorkspace {
  workspaceId: string
  /** Tells the keys of SEAM_API_KEY apart without showing them. */
  keyPrint: string
  confirmedUntil: number | null
  /** Since a whole pass ended last, in milliseconds; `null` before the first. */
  passedAgoMs: number | null
  /** Why it has been failing, and since when; `null` where the last pass went well. */
  failing: { since: number; code: string } | null
}

export interface ReconciledWindow {
  /** `null` where a person asked for a span: the confirmed time, and what fails, stay as they are. */
  token: number | null
  workspaceId: string
  /** Everything up to this has been compared. Left out: it stays as it is. */
  confirmedUntil?: number
  /** Added to the totals. */
  checked: number
  missed: number
  recovered: number
  /** When the oldest and the newest event that Seam gave were created; `null` where it gave none. */
  oldestAt: number | null
  newestAt: number | null
  /** Written anew under their ids. */
  findings: readonly ReconciliationFinding[]
  /** This span has been compared whole: gaps that lie in it are none any more. In milliseconds since 1970. */
  closedGaps?: { since: number; until: number }
  /** A whole pass ended with this. It ends a failure. */
  isPassEnd?: boolean
  /** The pass failed. The first of several keeps its time. */
  failureCode?: string
}

/** `missed`: events whose webhooks never came. `gap`: a span that Seam's API did not list in full. */
export interface ReconciliationFinding {
  id: string
  kind: 'missed' | 'gap'
  /** When the first and the last of them were created, or the ends of the gap. */
  since: number
  until: number
  missed: number
  recovered: number
  /** Of the first hundred. */
  eventIds: readonly string[]
}

/** A finding as people are shown it. */
export interface KeptFinding extends ReconciliationFinding {
  workspaceId: string
  foundAt: number
}

export interface ReconciliationQuestions {
  /** For each workspace how far it is confirmed. Findings from `findingsSince` on, newest first. */
  reconciliationState(request: { findingsSince: number }): Promise<ReconciliationState>
}

export interface ReconciliationState {
  workspaces: WorkspaceState[]
  findings: KeptFinding[]
  /** When the last webhook of each workspace came, among the latest few thousand events. */
  lastWebhooks: { workspaceId: string; at: number }[]
}

export interface WorkspaceState extends ReconciledWorkspace {
  oldestAnswerAt: number | null
  newestAnswerAt: number | null
  checked: number
  missed: number
  recovered: number
}

/** Findings older than this are deleted when a further one is kept. */
export const FINDINGS_KEPT_MS = 90 * 86_400_000
/** An answer has no more findings than this. */
export const MAX_FINDINGS = 200
/** How many of the latest events are looked at for the last webhook of each workspace. */
export const LATEST_EVENTS = 2000

/** The row of a key whose workspace is not known yet. */
export function rowIdOfKey(keyPrint: string): string {
  return `key_${keyPrint}`
}
