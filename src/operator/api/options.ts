import type { Hook } from '../../config/hook.ts'
import type { RecentWebhooks } from '../../ingest/recent-webhooks.ts'
import type { Receive } from '../../ingest/receive.ts'
import type { Logger } from '../../observability/logger.ts'
import type { Listings } from '../../store/listings.ts'
import type { RecordQuestions, Records } from '../../store/records.ts'
import type { Clock } from '../../time/clock.ts'
import type { RelayOverview } from '../overview/overview.ts'
import type { Pauses } from '../pauses.ts'
import type { Replays } from '../replays.ts'
import type { HookTest, Reconciled } from './shapes/action.ts'

/** What the calls stand on. */
export interface OperatorApiOptions {
  clock: Clock
  log: Logger
  reader: Listings & RecordQuestions
  store: Pick<Records, 'recordAction' | 'dropQuarantined'>
  pauses: Pauses
  replays: Replays
  overview: () => Promise<RelayOverview>
  recent: Pick<RecentWebhooks, 'refusals' | 'refusedTotal'>
  /** How many secrets SEAM_WEBHOOK_SECRET holds. */
  secrets: number
  /** The hooks as they are configured now. */
  hooks: () => readonly Hook[]
  /** Patterns of the event types to take in. */
  acceptEventTypes: readonly string[]
  receive: Receive
  /** Sends a signed sample to one hook; `null`: no hook has this name. */
  testHook: (name: string) => Promise<HookTest | null>
  /** `null`: there is no key of Seam's API. */
  reconcile: ((span: ReconcileSpan) => Promise<Reconciled>) | null
}

export interface ReconcileSpan {
  /** Milliseconds since 1970. */
  since: number
  until?: number
  /** Only tells what is missed, and takes nothing in. */
  dryRun: boolean
}
