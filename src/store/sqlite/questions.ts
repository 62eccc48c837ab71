import type { DatabaseSync } from 'node:sqlite'
import { prepareListActions } from './statements/actions.ts'
import { prepareActivityAfter } from './statements/activity-after.ts'
import { prepareCounts } from './statements/counts.ts'
import { prepareDeliveriesOf } from './statements/deliveries-of.ts'
import { prepareFailures } from './statements/failures.ts'
import { prepareFindEvent } from './statements/find-event.ts'
import { prepareListDeliveries } from './statements/list-deliveries.ts'
import { prepareListEvents } from './statements/list-events.ts'
import { prepareFindQuarantined, prepareListQuarantine } from './statements/list-quarantine.ts'
import { prepareHookPauses } from './statements/hook-pauses.ts'
import { prepareQuarantineStats } from './statements/quarantine-stats.ts'
import { prepareReconciliationState } from './statements/reconciliation-state.ts'
import { prepareCountReplay } from './statements/replay-walk.ts'
import { prepareReplays } from './statements/replays.ts'
import { prepareSearch } from './statements/search.ts'
import { prepareStats } from './statements/stats.ts'
import { prepareStoryOf } from './statements/story-of.ts'
import { prepareUndeliveredOf } from './statements/undelivered-of.ts'

/** Everything the reader's thread can be asked, each a function of its request and the store's clock (milliseconds since 1970). */
export function prepareQuestions(db: DatabaseSync) {
  const replays = prepareReplays(db)
  return {
    stats: prepareStats(db),
    quarantineStats: prepareQuarantineStats(db),
    deliveriesOf: prepareDeliveriesOf(db),
    countReplay: prepareCountReplay(db),
    reconciliationState: prepareReconciliationState(db),
    findReplay: replays.find,
    listReplays: replays.list,
    listEvents: prepareListEvents(db),
    findEvent: prepareFindEvent(db),
    storyOf: prepareStoryOf(db),
    search: prepareSearch(db),
    listDeliveries: prepareListDeliveries(db),
    failures: prepareFailures(db),
    undeliveredOf: prepareUndeliveredOf(db),
    listQuarantine: prepareListQuarantine(db),
    findQuarantined: prepareFindQuarantined(db),
    counts: prepareCounts(db),
    activityAfter: prepareActivityAfter(db),
    listActions: prepareListActions(db),
    pauses: prepareHookPauses(db).list,
  }
}

export type Questions = ReturnType<typeof prepareQuestions>
export type QuestionName = keyof Questions
export type QuestionRequestOf<N extends QuestionName> = Parameters<Questions[N]>[0]
export type AnswerOf<N extends QuestionName> = ReturnType<Questions[N]>

/** To the reader's thread: one question. `now`: the store's time, in milliseconds since 1970. */
export interface QuestionMessage {
  name: QuestionName
  request: unknown
  now: number
}

/** From the reader's thread: the answer, or why there is none. */
export type AnswerMessage = { answer: unknown } | { failure: string }
