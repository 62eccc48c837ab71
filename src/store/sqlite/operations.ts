import type { DatabaseSync } from 'node:sqlite'
import { prepareAccept } from './accept.ts'
import { prepareClaim } from './claim.ts'
import { prepareDeliveriesOf } from './deliveries-of.ts'
import { preparePrune } from './prune.ts'
import { prepareQuarantine } from './quarantine.ts'
import { prepareReplayMissing } from './replay-missing.ts'
import { prepareReplay } from './replay.ts'
import { prepareSettle } from './settle.ts'
import { prepareStats } from './stats.ts'

/** Everything the thread can be asked, each a function of its request and the store's clock (ms since 1970). */
export function prepareOperations(db: DatabaseSync) {
  const beat = db.prepare(
    'insert into heartbeat (id, at) values (1, ?) on conflict (id) do update set at = excluded.at',
  )
  return {
    accept: prepareAccept(db),
    quarantine: prepareQuarantine(db),
    claim: prepareClaim(db),
    settle: prepareSettle(db),
    replay: prepareReplay(db),
    replayMissing: prepareReplayMissing(db),
    prune: preparePrune(db),
    stats: prepareStats(db),
    deliveriesOf: prepareDeliveriesOf(db),
    check: (_request: null, now: number): null => {
      beat.run(now)
      return null
    },
  }
}

export type Operations = ReturnType<typeof prepareOperations>
export type OperationName = keyof Operations
export type RequestOf<N extends OperationName> = Parameters<Operations[N]>[0]
export type ResultOf<N extends OperationName> = ReturnType<Operations[N]>
