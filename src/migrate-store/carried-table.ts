import { BLOCKED_UNTIL } from '../store/sqlite/statements/claim-ordered.ts'
import {
  ACTIONS,
  ATTEMPTS,
  COUNTS,
  DELIVERIES,
  EVENTS,
  EVENT_IDS,
  HOOK_PAUSES,
  QUARANTINE,
  RECONCILIATIONS,
  RECONCILIATION_FINDINGS,
  REPLAYS,
} from '../store/tables.ts'
import type { Table } from '../store/tables.ts'

/** A table that is carried, walked by the first column of its key. */
export interface CarriedTable extends Table {
  /** SQL of the columns that are read from SQLite otherwise than they stand there. It must give the same at each run. */
  readAs?: Readonly<Record<string, string>>
}

/** Walked by the number of the event, so that an event goes over together with all that belongs to it. */
export const EVENT_TABLES: readonly CarriedTable[] = [
  EVENT_IDS,
  EVENTS,
  {
    ...DELIVERIES,
    // A blocked delivery is carried as due, for the first claim to judge anew: by a time of its own and not by the clock,
    // so that a further run finds it as it was carried.
    readAs: { due_at: `case due_at when ${BLOCKED_UNTIL} then active_since else due_at end` },
  },
  ATTEMPTS,
]

/** Each walked for itself. What happened a moment ago (`activity`), and which process reconciles, stay behind: nobody watches during a move. A replay that is running goes on in the target, after the deliveries that it is about. */
export const OTHER_TABLES: readonly CarriedTable[] = [
  QUARANTINE,
  REPLAYS,
  COUNTS,
  ACTIONS,
  HOOK_PAUSES,
  RECONCILIATIONS,
  RECONCILIATION_FINDINGS,
]

export const CARRIED_TABLES: readonly CarriedTable[] = [...EVENT_TABLES, ...OTHER_TABLES]
