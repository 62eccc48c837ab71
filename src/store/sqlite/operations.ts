import type { DatabaseSync } from 'node:sqlite'
import { prepareAccept } from './statements/accept.ts'
import { prepareCheck } from './statements/check.ts'
import { prepareClaim } from './statements/claim.ts'
import { prepareDeliveriesOf } from './statements/deliveries-of.ts'
import { prepareDiscard } from './statements/discard.ts'
import { preparePrune } from './statements/prune.ts'
import { prepareQuarantine } from './statements/quarantine.ts'
import { prepareCountReplay } from './statements/replay-walk.ts'
import { prepareReplays } from './statements/replays.ts'
import { prepareStepReplay } from './statements/step-replay.ts'
import { prepareSettle } from './statements/settle.ts'
import { prepareStats } from './statements/stats.ts'

/** Everything the thread can be asked, each a function of its request and the store's clock (milliseconds since 1970). */
export function prepareOperations(db: DatabaseSync, largestBodyBytes: number) {
  const replays = prepareReplays(db)
  return {
    accept: prepareAccept(db),
    quarantine: prepareQuarantine(db),
    claim: prepareClaim(db),
    settle: prepareSettle(db),
    countReplay: prepareCountReplay(db),
    createReplay: replays.create,
    stepReplay: prepareStepReplay(db),
    runningReplay: replays.running,
    endReplay: replays.endReplay,
    findReplay: replays.find,
    listReplays: replays.list,
    discard: prepareDiscard(db),
    prune: preparePrune(db),
    stats: prepareStats(db),
    deliveriesOf: prepareDeliveriesOf(db),
    check: prepareCheck(db, largestBodyBytes),
  }
}

export type Operations = ReturnType<typeof prepareOperations>
export type OperationName = keyof Operations
export type RequestOf<N extends OperationName> = Parameters<Operations[N]>[0]
export type ResultOf<N extends OperationName> = ReturnType<Operations[N]>
