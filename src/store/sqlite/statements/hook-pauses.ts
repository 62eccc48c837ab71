import type { DatabaseSync } from 'node:sqlite'
import type { HookPause } from '../../records.ts'

/** Which hooks people have paused. */
export function prepareHookPauses(db: DatabaseSync) {
  const insert = db.prepare(
    'insert into hook_pauses (hook, paused_at, paused_by, reason) values (?, ?, ?, ?) on conflict (hook) do nothing',
  )
  const selectOne = db.prepare('select * from hook_pauses where hook = ?')
  const selectAll = db.prepare('select * from hook_pauses order by hook')
  const remove = db.prepare('delete from hook_pauses where hook = ?')

  return {
    pause: ({ hook, pausedBy, reason }: Omit<HookPause, 'pausedAt'>, now: number): HookPause => {
      insert.run(hook, now, pausedBy, reason)
      return pauseOf(selectOne.get(hook) as Record<string, string | number>)
    },
    resume: (hook: string): boolean => Number(remove.run(hook).changes) > 0,
    list: (_request: null): HookPause[] =>
      selectAll.all().map((row) => pauseOf(row as Record<string, string | number>)),
  }
}

function pauseOf(row: Record<string, string | number>): HookPause {
  return {
    hook: row['hook'] as string,
    pausedAt: row['paused_at'] as number,
    pausedBy: row['paused_by'] as string,
    reason: row['reason'] as string,
  }
}
