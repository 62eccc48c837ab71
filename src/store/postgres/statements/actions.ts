import { beforeNumber } from '../../records.ts'
import type { Action, ActionsPage, ListActions, NewAction } from '../../records.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { notesLock } from '../notes-lock.ts'
import { NOW, msOf } from '../span-of-time.ts'

const RECORD: Statement = {
  name: 'record-action',
  text: `
  insert into seam_relay.actions (number, at, actor, action, target, about)
  values (coalesce((select number from seam_relay.actions order by number desc limit 1), 0) + 1, ${NOW}, $1, $2, $3, $4)`,
}
const LIST: Statement = {
  name: 'list-actions',
  text: `
  select number, round(${msOf('at')}) as at, actor, action, target, about
  from seam_relay.actions where number < $1 order by number desc limit $2`,
}

/** Writes down what a person did. */
export async function recordAction(
  connections: Connections,
  { actor, action, target, about }: NewAction,
): Promise<void> {
  await connections.transaction([notesLock, [RECORD, [actor, action, target, JSON.stringify(about)]]])
}

/** A page of what people did, newest first. A cursor is the number of the last one. */
export async function listActions(
  connections: Connections,
  { limit, after }: ListActions,
): Promise<ActionsPage> {
  const rows = await connections.run(LIST, [beforeNumber(after), limit + 1])
  const items = rows.slice(0, limit).map(actionOf)
  return { items, next: rows.length > limit ? String(items.at(-1)?.number) : null }
}

function actionOf(row: Row): Action {
  return {
    number: row['number'] as number,
    at: row['at'] as number,
    actor: row['actor'] as string,
    action: row['action'] as string,
    target: row['target'] as string,
    about: row['about'] as Action['about'],
  }
}
