import type { HookPause } from '../../records.ts'
import type { Connections, Row, Statement } from '../connections.ts'
import { NOW, msOf } from '../span-of-time.ts'

// Which hooks people have paused.

const PAUSE_COLUMNS = `hook, round(${msOf('paused_at')}) as paused_at, paused_by, reason`

/** Writes the row as it is where there is one: only so does it give back the one that stays. */
const PAUSE: Statement = {
  name: 'pause-hook',
  text: `
  insert into seam_relay.hook_pauses as p (hook, paused_at, paused_by, reason) values ($1, ${NOW}, $2, $3)
  on conflict (hook) do update set paused_at = p.paused_at
  returning ${PAUSE_COLUMNS}`,
}
const RESUME: Statement = {
  name: 'resume-hook',
  text: 'delete from seam_relay.hook_pauses where hook = $1 returning hook',
}
const LIST: Statement = {
  name: 'paused-hooks',
  text: `select ${PAUSE_COLUMNS} from seam_relay.hook_pauses order by hook collate "C"`,
}

export async function pauseHook(
  connections: Connections,
  { hook, pausedBy, reason }: Omit<HookPause, 'pausedAt'>,
): Promise<HookPause> {
  const [row] = await connections.run(PAUSE, [hook, pausedBy, reason])
  return pauseOf(row as Row)
}

export async function resumeHook(connections: Connections, hook: string): Promise<boolean> {
  return (await connections.run(RESUME, [hook])).length > 0
}

export async function pausedHooks(connections: Connections): Promise<HookPause[]> {
  return (await connections.run(LIST)).map(pauseOf)
}

function pauseOf(row: Row): HookPause {
  return {
    hook: row['hook'] as string,
    pausedAt: row['paused_at'] as number,
    pausedBy: row['paused_by'] as string,
    reason: row['reason'] as string,
  }
}
