import type { DatabaseSync } from 'node:sqlite'
import { prepareRecordAction } from './statements/actions.ts'
import { prepareAccept } from './statements/accept.ts'
import { prepareCheck } from './statements/check.ts'
import { prepareClaim } from './statements/claim.ts'
import { prepareDiscard } from './statements/discard.ts'
import { prepareDismiss } from './statements/dismiss.ts'
import { prepareDropQuarantined } from './statements/drop-quarantined.ts'
import { prepareHookPauses } from './statements/hook-pauses.ts'
import { preparePrune } from './statements/prune.ts'
import { prepareKnownEvents } from './statements/known-events.ts'
import { prepareQuarantine } from './statements/quarantine.ts'
import { prepareRecord } from './statements/record.ts'
import {
  prepareEnterReconciled,
  prepareReconciledWorkspaces,
  prepareRecordReconciled,
} from './statements/reconciled.ts'
import { prepareLeaveReconciling, prepareTakeReconciling } from './statements/reconciling-lease.ts'
import { prepareReplays } from './statements/replays.ts'
import { prepareStepReplay } from './statements/step-replay.ts'
import { prepareSettle } from './statements/settle.ts'

/** Everything the store's thread can be asked, each a function of its request and the store's clock (milliseconds since 1970). */
export function prepareOperations(db: DatabaseSync, largestBodyBytes: number) {
  const replays = prepareReplays(db)
  const pauses = prepareHookPauses(db)
  const knownEvents = prepareKnownEvents(db)
  return {
    accept: prepareAccept(db),
    quarantine: prepareQuarantine(db),
    claim: prepareClaim(db),
    settle: prepareSettle(db),
    createReplay: replays.create,
    stepReplay: prepareStepReplay(db),
    runningReplay: replays.running,
    endReplay: replays.endReplay,
    discard: prepareDiscard(db),
    dismiss: prepareDismiss(db),
    prune: preparePrune(db),
    record: prepareRecord(db),
    recordAction: prepareRecordAction(db),
    pauseHook: pauses.pause,
    resumeHook: pauses.resume,
    pausedHooks: pauses.list,
    dropQuarantined: prepareDropQuarantined(db),
    takeReconciling: prepareTakeReconciling(db),
    leaveReconciling: prepareLeaveReconciling(db),
    reconciledWorkspaces: prepareReconciledWorkspaces(db),
    enterReconciled: prepareEnterReconciled(db),
    recordReconciled: prepareRecordReconciled(db),
    knownHashes: knownEvents.hashes,
    areQuarantined: knownEvents.areQuarantined,
    check: prepareCheck(db, largestBodyBytes),
  }
}

export type Operations = ReturnType<typeof prepareOperations>
export type OperationName = keyof Operations
export type RequestOf<N extends OperationName> = Parameters<Operations[N]>[0]
export type ResultOf<N extends OperationName> = ReturnType<Operations[N]>
