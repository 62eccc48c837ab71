import { systemClock } from '../time/clock.ts'
import { loadDotEnv } from '../config/dot-env.ts'
import { EXIT } from './command-error.ts'
import { runProgram } from './program.ts'
import { createTerminal } from './terminal.ts'

// The commands for people: `npm run relay -- COMMAND`, and `relay COMMAND` in the image.

endQuietlyWithReader()
const end = new AbortController()
let isFollowed = false
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop)

const dotEnvProblem = loadDotEnv()
if (dotEnvProblem !== null) {
  process.stderr.write(`relay: ${dotEnvProblem}\n`)
  process.exitCode = EXIT.configuration
} else {
  process.exitCode = await runProgram(process.argv.slice(2), {
    environment: process.env,
    clock: systemClock,
    terminal: createTerminal(process),
    follow() {
      isFollowed = true
      return end.signal
    },
  })
}

/** A command that goes on until it is told to end, ends in order the first time. */
function stop(signal: NodeJS.Signals): void {
  if (!isFollowed || end.signal.aborted) process.exit(EXIT.not)
  end.abort(signal)
}

/** Whoever reads the output may have seen enough, as `head` has: that is no error. */
function endQuietlyWithReader(): void {
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    process.exit(code === 'EPIPE' ? EXIT.well : EXIT.not)
  })
  process.stderr.on('error', () => {})
}
