import type { Connections, Statement } from '../connections.ts'
import { NOW } from '../span-of-time.ts'

const CHECK: Statement = {
  name: 'check',
  text: `insert into seam_relay.heartbeat (id, at) values (1, ${NOW}) on conflict (id) do update set at = excluded.at`,
}

/** Finds out whether the database takes a change, by making one. */
export async function check(connections: Connections): Promise<void> {
  await connections.run(CHECK)
}
