import type { DatabaseSync } from 'node:sqlite'
import { beforeNumber } from '../../records.ts'
import type { Action, ActionsPage, ListActions, NewAction } from '../../records.ts'

/** Writes down what a person did. */
export function prepareRecordAction(db: DatabaseSync) {
  const insert = db.prepare('insert into actions (at, actor, action, target, about) values (?, ?, ?, ?, ?)')

  return ({ actor, action, target, about }: NewAction, now: number): void => {
    insert.run(now, actor, action, target, JSON.stringify(about))
  }
}

/** A page of what people did, newest first. A cursor is the number of the last one. */
export function prepareListActions(db: DatabaseSync) {
  const select = db.prepare('select * from actions where number < ? order by number desc limit ?')

  return ({ limit, after }: ListActions): ActionsPage => {
    const rows = select.all(beforeNumber(after), limit + 1).map(actionOf)
    const items = rows.slice(0, limit)
    return { items, next: rows.length > limit ? String(items.at(-1)?.number) : null }
  }
}

function actionOf(row: Record<string, unknown>): Action {
  return {
    number: row['number'] as number,
    at: row['at'] as number,
    actor: row['actor'] as string,
    action: row['action'] as string,
    target: row['target'] as string,
    about: JSON.parse(row['about'] as string) as Action['about'],
  }
}
