import { statfsSync } from 'node:fs'
import { bytes } from '../amount.ts'
import type { Line } from './line.ts'
import { look, ok, wrong } from './line.ts'

/** With less than this besides the largest event, seam-relay tries at every probe whether there is still room. */
const LITTLE_BYTES = 67_108_864
const SOME_BYTES = 1_000_000_000

const ADVICE =
  'Make room or give it a larger disk; PAYLOAD_RETENTION_DAYS says how long events are kept. With a full disk webhooks are answered 503.'

/** How much room the disk has under this folder. */
export function diskLine(folder: string): Line {
  const { bavail, blocks, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const text = `${bytes(free)} free of ${bytes(blocks * bsize)}`
  if (free < LITTLE_BYTES) return wrong('disk', text, ADVICE)
  return free < SOME_BYTES ? look('disk', text, ADVICE) : ok('disk', text)
}
