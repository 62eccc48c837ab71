import type { DatabaseSync } from 'node:sqlite'
import { prepareAccept } from './accept.ts'
import { prepareClaim } from './claim.ts'
import { prepareQuarantine } from './quarantine.ts'
import { prepareSettle } from './settle.ts'

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
