import type { Ledgers, Life, Span } from '../ledgers.ts'

/** The bound on a stop, and a busy machine. */
export const STOP_BOUND_MS = 5000
const SLACK_MS = 5000
/** "Configuration error". */
const EXIT_CONFIG = 78

/** How the processes ended. */
export function faultsOfProcesses({ disturbances: { lives, outages, mistakes } }: Ledgers): string[] {
  return lives.flatMap((life) =>
    faultsOfLife(life, outages, mistakes).map((fault) => `process ${life.process}: ${fault}`),
  )
}

function faultsOfLife(life: Life, outages: readonly Span[], mistakes: readonly Span[]): string[] {
  const { end, exitCode, signal, toldToStopAt, endedAt, pauses, fatal } = life
  switch (end) {
    case 'killed':
      return fatal
    case 'stopped': {
      const paused = pauses.reduce((sum, { from, to }) => sum + to - from, 0)
      const tookMs = endedAt - (toldToStopAt ?? endedAt) - paused
      const faults = [...fatal]
      if (exitCode !== 0) faults.push(`a graceful stop ended with ${exitCode}`)
      if (tookMs > STOP_BOUND_MS + SLACK_MS) faults.push(`a graceful stop took ${Math.round(tookMs)} ms`)
      return faults
    }
    case 'by itself': {
      // A start that finds a mistake in the hooks file, or a store that cannot be used, ends with its own code.
      if (life.listeningAt === null && exitCode === EXIT_CONFIG && mistakes.some((span) => meets(life, span)))
        return []
      if (life.listeningAt === null && exitCode === 1 && outages.some((span) => meets(life, span))) return []
      return [`ended by itself with ${exitCode ?? signal}: ${fatal.join(' ')}`]
    }
  }
}

function meets({ startedAt, endedAt }: Life, { from, to }: Span): boolean {
  return from <= endedAt && to >= startedAt
}
