import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below the range from which the system takes ports for `listen(0)` and for outgoing connections: neither can take one
 * of these before it is used, nor while a server that will listen again is down.
 */
const FIRST = 20_000
const SLICE = 800
const SLICES = 15

/** What this process has given away: a server that is down still holds its port. */
const given = new Set<number>()

/**
 * A port for what has to know it beforehand. Tests that run at the same time choose from slices of their own: a port
 * that was only seen to be free could be chosen by two of them, and one would then talk to what the other has started.
 */
export async function freePort(): Promise<number> {
  const first = FIRST + (Number(process.env['VITEST_POOL_ID'] ?? 0) % SLICES) * SLICE
  for (;;) {
    const port = first + randomInt(SLICE)
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
