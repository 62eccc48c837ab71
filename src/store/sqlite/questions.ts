import type { DatabaseSync } from 'node:sqlite'
import { prepareDeliveriesOf } from './statements/deliveries-of.ts'
import { prepareQuarantineStats } from './statements/quarantine-stats.ts'
import { prepareCountReplay } from './statements/replay-walk.ts'
import { prepareReplays } from './statements/replays.ts'
import { prepareStats } from './statements/stats.ts'

/** Everything the reader's thread can be asked, each a function of its request and the store's clock (milliseconds since 1970). */
export function prepareQuestions(db: DatabaseSync) {
  const replays = prepareReplays(db)
  return {
    stats: prepareStats(db),
    quarantineStats: prepareQuarantineStats(db),
    deliveriesOf: prepareDeliveriesOf(db),
    countReplay: prepareCountReplay(db),
    findReplay: replays.find,
    listReplays: replays.list,
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
