import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { pageEnd, seqBounds } from '../../bounded-page.ts'
import type { EventsScan, Look } from '../../bounded-page.ts'
import type { EventSummary, Page } from '../../listings.ts'
import { IN_BLOCK, prepareBlocks } from './blocks.ts'
import { prepareEventRows } from './event-rows.ts'

type CredentialParameters = Record<string, SQLInputValue> & { floor: number; before: number }
type SeenEvent = [seq: number, acceptedAt: number, fits: number]

/** What no index serves. */
const FITS = `(:type is null or e.event_type = :type)
  and (:family is null or substr(e.event_type, 1, length(:family)) = :family)
  and (:workspace is null or e.workspace_id = :workspace)
  and e.accepted_at >= :since and e.accepted_at < :until`

/** Along the numbers, newest first, or along those of a credential; only those that fit are looked up in full. */
export function prepareListEvents(db: DatabaseSync) {
  const rows = prepareEventRows(db)
  const blocksOf = prepareBlocks(db)
  const selectFirst = db.prepare('select seq from events where accepted_at >= ? order by accepted_at limit 1')
  const selectLast = db.prepare(
    'select seq from events where accepted_at < ? order by accepted_at desc limit 1',
  )
  const seeAll = db.prepare(
    `select e.seq, e.accepted_at, ${FITS} from events e
     where e.seq < :before and e.seq >= :floor order by e.seq desc limit :looked`,
  )
  const seeCredential = db.prepare(
    `select e.seq, e.accepted_at, ${FITS} from events e indexed by events_credential
     where ${IN_BLOCK} and e.seq < :before and e.seq >= :floor order by e.seq desc limit :looked`,
  )
  for (const statement of [seeAll, seeCredential]) statement.setReturnArrays(true)

  return (scan: EventsScan): Page<EventSummary> => {
    const { shown, ...end } = pageEnd('events', look(scan), scan.limit)
    return { items: shown.flatMap(({ at }) => rows.summary(at) ?? []), ...end }
  }

  function look(scan: EventsScan): Look {
    const { limit, looked, type, family, credentialId, workspaceId, since, until } = scan
    const first = since === null ? null : seqOf(selectFirst.get(since))
    const last = until === null ? null : seqOf(selectLast.get(until))
    const parameters = {
      ...seqBounds(scan, first, last),
      looked,
      type,
      family,
      workspace: workspaceId,
      since: since ?? Number.MIN_SAFE_INTEGER,
      until: until ?? Number.MAX_SAFE_INTEGER,
    }
    const seen =
      credentialId === null ? seeAll.iterate(parameters) : seenOf({ ...parameters, credential: credentialId })
    const found: Look = { fitting: [], last: null, isThrough: true }
    let count = 0
    for (const [seq, acceptedAt, fits] of seen as unknown as Iterable<SeenEvent>) {
      const position = { at: seq, name: '' }
      found.last = { position, acceptedAt }
      if (fits === 1) found.fitting.push(position)
      if (++count === looked || found.fitting.length > limit) return { ...found, isThrough: false }
    }
    return found
  }

  /** Block by block, and no further than the caller goes on. */
  function* seenOf(parameters: CredentialParameters): Generator<Record<string, SQLOutputValue>> {
    for (const block of blocksOf(parameters)) yield* seeCredential.iterate({ ...parameters, block })
  }
}

function seqOf(row: Record<string, unknown> | undefined): number | null {
  return (row?.['seq'] as number | undefined) ?? null
}
