import './src/node-version.js'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { SlowFirst } from './test/support/slow-first.ts'

// The stores' threads strip types and compile anew for each test; with Node's cache they do it once (half the processor time).
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compile', import.meta.url))

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/postgres-setup.ts', 'test/support/chromium-setup.ts'],
    // One more than two cores: much of the time the tests wait for leases, time-outs and processes.
    maxWorkers: 3,
    // Of the tests of one file that say so, each of which starts several processes.
    maxConcurrency: 3,
    sequence: { sequencer: SlowFirst },
    // Only for what hangs: a busy machine may be several times as slow as one's own.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
})
