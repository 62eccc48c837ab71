import { Replay } from '../operator/api/shapes/action.ts'
import type { ApiAnswer, ApiClient } from './api-client.ts'
import type { Surroundings } from './frame.ts'

/** How often is asked how far it is. */
const ASK_MS = 500

export interface WatchOptions {
  api: ApiClient
  id: string
  surroundings: Surroundings
}

/** Shows how far a replay is, until it has ended or the person has seen enough (Ctrl-C); the replay goes on then. */
export async function watch({ api, id, surroundings }: WatchOptions): Promise<ApiAnswer<Replay>> {
  const { clock, terminal } = surroundings
  const signal = surroundings.follow()
  for (;;) {
    const answer = await api.get(Replay, `/api/replays/${encodeURIComponent(id)}`)
    const { state, replayed, would_replay: total } = answer.value
    if (state !== 'running' || signal.aborted) {
      terminal.progress(null)
      return answer
    }
    terminal.progress(`${replayed} of ${total} (Ctrl-C stops watching, not the replay)`)
    await new Promise<void>((resolve) => clock.after(ASK_MS, resolve))
  }
}
