import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  isMissing,
  namedNext,
  patternsOf,
  statesOf,
  walkFrom,
  walkKindOf,
  walkOn,
} from '../../replay-scope.ts'
import type {
  CountReplayRequest,
  CountReplayResult,
  ReplayFilter,
  ReplayMissing,
  ReplayScope,
  ReplayWalk,
} from '../../replay-jobs.ts'

/** What a walk found: the deliveries that fit, in its order, and where it stands after them. */
export interface Found {
  deliveries: { seq: number; hook: string }[]
  next: ReplayWalk | null
}

type SeenDelivery = [seq: number, hook: string, state: string, endedCode: string | null]
type SeenEvent = [seq: number, fits: number]

const SEEN = 'd.event_seq, d.hook, d.state, d.ended_code'

/** Walks along deliveries or events, each step from where the one before came to, and looks at so many rows in each. */
export function prepareReplayWalk(db: DatabaseSync) {
  const selectFirst = db.prepare('select seq from events where accepted_at >= ? order by accepted_at limit 1')
  const selectLast = db.prepare('select max(seq) as seq from events')
  const selectSeqs = db.prepare(
    'select seq from event_ids where webhook_id in (select value from json_each(?)) order by seq',
  )
  const seeDead = arrays(
    `select ${SEEN} from deliveries d indexed by deliveries_dead
     where d.state = 'dead' and (d.hook, d.event_seq) > (:hook, :seq) order by d.hook, d.event_seq limit :limit`,
  )
  const seeAll = arrays(
    `select ${SEEN} from deliveries d where (d.event_seq, d.hook) > (:seq, :hook) and d.event_seq <= :upto
     order by d.event_seq, d.hook limit :limit`,
  )
  // `cross join` keeps SQLite from walking all deliveries and comparing each with the list.
  const seeNamed = arrays(
    `select ${SEEN} from json_each(:seqs) n cross join deliveries d on d.event_seq = n.value
     where (d.event_seq, d.hook) > (:seq, :hook) and d.event_seq <= :upto
     order by d.event_seq, d.hook limit :limit`,
  )
  const isAccepted = db.prepare('select 1 from events where seq = ? and accepted_at >= ? and accepted_at < ?')
  const selectCode = db.prepare(
    `select error_code from attempts where event_seq = ? and hook = ? and error_code is not null
     order by attempt desc limit 1`,
  )
  const fits = `e.accepted_at >= :since and e.accepted_at < :until
      and (:workspaces is null or e.workspace_id in (select value from json_each(:workspaces)))
      and (:systems is null or e.system_id in (select value from json_each(:systems)))
      and (:accounts is null or e.account_id in (select value from json_each(:accounts)))
      and (:all or e.event_type in (select value from json_each(:types))
        or exists (select 1 from json_each(:families) f where substr(e.event_type, 1, length(f.value)) = f.value))
      and not exists (select 1 from deliveries d where d.event_seq = e.seq and d.hook = :hook)`
  const seeEvents = arrays(
    `select e.seq, ${fits} from events e where e.seq > :seq and e.seq <= :upto order by e.seq limit :limit`,
  )
  const seeNamedEvents = arrays(
    `select e.seq, ${fits} from json_each(:seqs) n cross join events e on e.seq = n.value
     where e.seq > :seq and e.seq <= :upto order by e.seq limit :limit`,
  )

  return { begin, find }

  function begin(scope: ReplayScope): ReplayWalk {
    const { since, webhookIds } = scope
    const first = since === undefined ? 1 : ((selectFirst.get(since)?.['seq'] ?? null) as number | null)
    const last = (selectLast.get()?.['seq'] ?? 0) as number
    const seqs =
      webhookIds === undefined
        ? null
        : selectSeqs.all(JSON.stringify(webhookIds)).map(({ seq }) => seq as number)
    return walkFrom(scope, first, last, seqs)
  }

  /** Looks at up to `limit` rows, and finds no more than `most` that fit. */
  function find(scope: ReplayScope, walk: ReplayWalk, limit: number, most: number): Found {
    const seen = isMissing(scope) ? missing(scope, walk, limit) : existing(scope, walk, limit)
    const deliveries: Found['deliveries'] = []
    let passed: { seq: number; hook: string } | null = null
    for (const { seq, hook, isFitting } of seen) {
      if (isFitting()) {
        if (deliveries.length === most) return { deliveries, next: walkOn(walk, passed, false) }
        deliveries.push({ seq, hook })
      }
      passed = { seq, hook }
    }
    return { deliveries, next: walkOn(walk, passed, seen.length < limit) }
  }

  function existing(scope: ReplayFilter, walk: ReplayWalk, limit: number) {
    const { seq, hook, uptoSeq } = walk
    const seqs = namedNext(walk)
    const parameters = { seq, hook, upto: uptoSeq, limit }
    let seen: SeenDelivery[]
    if (walkKindOf(scope) === 'dead') seen = seeDead.all({ seq, hook, limit }) as never
    else if (seqs === null) seen = seeAll.all(parameters) as never
    else seen = seeNamed.all({ ...parameters, seqs: JSON.stringify(seqs) }) as never
    // Along the dead, hook after hook: those of another hook come after all of this one.
    const ofHook =
      walkKindOf(scope) === 'dead' && scope.hook !== undefined
        ? seen.filter((row) => row[1] === scope.hook)
        : seen
    const states: readonly string[] = statesOf(scope)
    return ofHook.map(([seenSeq, seenHook, state, endedCode]) => ({
      seq: seenSeq,
      hook: seenHook,
      isFitting: () =>
        states.includes(state) &&
        (scope.hook === undefined || scope.hook === seenHook) &&
        seenSeq <= uptoSeq &&
        isInSpan(scope, seenSeq) &&
        (scope.code === undefined || scope.code === (endedCode ?? codeOf(seenSeq, seenHook) ?? null)),
    }))
  }

  function missing(scope: ReplayMissing, walk: ReplayWalk, limit: number) {
    const { all, types, families } = patternsOf(scope)
    const { workspaces, systems = null, accounts = null } = scope.missing
    const seqs = namedNext(walk)
    const parameters = {
      // At the first of the named events the walk stands before its deliveries, that is, before the event itself.
      seq: seqs !== null && walk.hook === '' ? walk.seq - 1 : walk.seq,
      upto: walk.uptoSeq,
      limit,
      hook: scope.hook,
      since: scope.since ?? Number.MIN_SAFE_INTEGER,
      until: scope.until ?? Number.MAX_SAFE_INTEGER,
      workspaces: listOrNull(workspaces),
      systems: listOrNull(systems),
      accounts: listOrNull(accounts),
      all: all ? 1 : 0,
      types: JSON.stringify(types),
      families: JSON.stringify(families),
    }
    const seen = (seqs === null
      ? seeEvents.all(parameters)
      : seeNamedEvents.all({ ...parameters, seqs: JSON.stringify(seqs) })) as unknown as SeenEvent[]
    return seen.map(([seq, fitting]) => ({ seq, hook: scope.hook, isFitting: () => fitting === 1 }))
  }

  function isInSpan({ since, until }: ReplayScope, seq: number): boolean {
    if (since === undefined && until === undefined) return true
    const [from, to] = [since ?? Number.MIN_SAFE_INTEGER, until ?? Number.MAX_SAFE_INTEGER]
    return isAccepted.get(seq, from, to) !== undefined
  }

  function codeOf(seq: number, hook: string): string | undefined {
    return selectCode.get(seq, hook)?.['error_code'] as string | undefined
  }

  function arrays(sql: string): StatementSync {
    const statement = db.prepare(sql)
    statement.setReturnArrays(true)
    return statement
  }
}

/** As JSON; SQL's `in` would be false for each row where the list is null. */
function listOrNull(list: readonly string[] | null): string | null {
  return list === null ? null : JSON.stringify(list)
}

export function prepareCountReplay(db: DatabaseSync) {
  const walk = prepareReplayWalk(db)
  return ({ scope, limit, after }: CountReplayRequest): CountReplayResult => {
    const { deliveries, next } = walk.find(scope, after ?? walk.begin(scope), limit, Infinity)
    return { count: deliveries.length, next }
  }
}
