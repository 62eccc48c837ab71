import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { CredentialEvent } from '../../../src/events/event.ts'
import { signedWebhook } from '../../support/signed-webhook.ts'

/** So many webhooks are under way at once. */
const TURNS = 16
/** Seam's sender waits for seconds before it tries again, and then for longer. The day is short. */
const RETRY_MS = 100
const PATIENCE_MS = 15_000

/** Sends webhooks as Seam does: what is not answered 2xx comes again, signed anew. */
export class Seam {
  /** The status in each 2xx answer, by event. */
  readonly answers = new Map<string, string[]>()
  /** Answers that were no 2xx, by their code; `none` where the connection broke. */
  readonly refusals = new Map<string, number>()
  readonly #agent = new Agent({ connections: TURNS })
  readonly #urls: () => readonly string[]
  secret: string

  /** @param urls the replicas that a load balancer would pick from now */
  constructor(secret: string, urls: () => readonly string[]) {
    this.secret = secret
    this.#urls = urls
  }

  /** Sends these, one of a credential after the other, and resolves when each is held. */
  async send(events: readonly CredentialEvent[]): Promise<void> {
    const queues = new Map<string, CredentialEvent[]>()
    for (const event of events) {
      const credential = event.acs_credential_id as string
      const queue = queues.get(credential) ?? []
      queues.set(credential, [...queue, event])
    }
    const waiting = [...queues.values()]
    const turn = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        for (const event of next) await this.#hold(event)
      }
    }
    await Promise.all(Array.from({ length: TURNS }, turn))
  }

  async stop(): Promise<void> {
    await this.#agent.destroy()
  }

  async #hold(event: CredentialEvent): Promise<void> {
    const body = JSON.stringify(event)
    for (let attempt = 0; ; attempt++) {
      const urls = this.#urls()
      const url = urls[(attempt + event.event_id.charCodeAt(0)) % Math.max(1, urls.length)]
      const said = url === undefined ? 'none' : await this.#post(url, body)
      if (said === 'accepted' || said === 'duplicate' || said === 'quarantined' || said === 'ignored') {
        this.answers.set(event.event_id, [...(this.answers.get(event.event_id) ?? []), said])
        return
      }
      this.refusals.set(said, (this.refusals.get(said) ?? 0) + 1)
      await delay(RETRY_MS)
    }
  }

  /** @returns the status that a 2xx tells, the code of a refusal, or `none` */
  async #post(url: string, body: string): Promise<string> {
    try {
      const answer = await request(`${url}/webhooks/seam`, {
        method: 'POST',
        headers: signedWebhook(this.secret, body).headers,
        body,
        dispatcher: this.#agent,
        signal: AbortSignal.timeout(PATIENCE_MS),
      })
      const { status, code } = (await answer.body.json()) as { status: string | number; code?: string }
      return code ?? String(status)
    } catch {
      return 'none'
    }
  }
}
