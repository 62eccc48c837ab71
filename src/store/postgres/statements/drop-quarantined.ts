import type { Connections, Statement } from '../connections.ts'

const DROP: Statement = {
  name: 'drop-quarantined',
  text: 'delete from seam_relay.quarantine where id = $1 returning id',
}
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Deletes a body that a person has decided about. */
export async function dropQuarantined(connections: Connections, id: string): Promise<boolean> {
  return UUID.test(id) && (await connections.run(DROP, [id])).length > 0
}
