import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { footprintOf } from './footprint.ts'
import type { Footprint } from './footprint.ts'

/** Holds what a leak would, at its main thread and at a worker. */
const PROGRAM = `
  const { Worker } = require('node:worker_threads')
  const { openSync } = require('node:fs')
  const [timers, files, megabytes] = process.argv.slice(1).map(Number)
  for (let n = 0; n < timers; n++) setInterval(() => {}, 1e6)
  for (let n = 0; n < files; n++) openSync('/dev/null')
  const strings = 'globalThis.kept = Array.from({ length: ' + megabytes + ' }, (_, n) => Array(131072).fill(n));'
  eval(strings)
  const worker = new Worker(strings + 'setInterval(() => {}, 1e6); require("node:worker_threads").parentPort.postMessage(1)', { eval: true })
  worker.once('message', () => console.log('ready'))
`

test.runIf(process.platform === 'linux')(
  'what a process and its worker hold is seen from outside',
  { timeout: 90_000 },
  async () => {
    const [few, many] = await Promise.all([footprintOfProgram(3, 2, 1), footprintOfProgram(30, 20, 9)])
    const difference = (kind: string) => (many.counts[kind] ?? 0) - (few.counts[kind] ?? 0)
    expect(difference('main: Timeout')).toBe(27)
    expect(difference('open files')).toBe(18)
    expect([few.counts['threads'], many.counts['threads']]).toEqual([2, 2])
    for (const thread of Object.keys(many.heap)) {
      const grown = ((many.heap[thread] as number) - (few.heap[thread] as number)) / 1_048_576
      expect(Math.round(grown)).toBe(8)
    }
    expect(Object.keys(many.heap)).toHaveLength(2)
  },
)

async function footprintOfProgram(...args: number[]): Promise<Footprint> {
  const child = spawn(process.execPath, ['--inspect=127.0.0.1:0', '-e', PROGRAM, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const isReady = once(createInterface({ input: child.stdout }), 'line')
  const [said] = (await once(createInterface({ input: child.stderr }), 'line')) as [string]
  await isReady
  const inspectorUrl = said.replace('Debugger listening on ', '')
  return footprintOf({ pid: child.pid as number, inspectorUrl }, 1)
}
