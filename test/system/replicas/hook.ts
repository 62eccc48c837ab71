import type { ServerResponse } from 'node:http'
import { Webhook } from 'svix'
import { newSecret } from '../../support/signed-webhook.ts'
import type { Stage } from '../../support/stage.ts'

/** A request that a hook received. */
export interface Arrival {
  hook: string
  /** The replica that sent it. */
  from: string
  id: string
  attempt: number
  body: string
}

export interface Hook {
  arrivals: Arrival[]
  /** The hook's settings for this replica. They differ in the URL, so that a request shows who sent it. */
  of: (replica: string) => object
}

export type Answering = (arrival: Arrival, response: ServerResponse) => unknown

/** A hook with a real receiver, which throws at a request that is not signed by its secret. */
export async function startHook(
  stage: Stage,
  name: string,
  answering: Answering = (_arrival, response) => response.writeHead(204).end(),
  settings: Record<string, unknown> = {},
): Promise<Hook> {
  const secret = newSecret()
  const arrivals: Arrival[] = []
  const receiver = await stage.receiver((request, response) => {
    const { headers, body, path } = request
    new Webhook(secret).verify(body, headers as Record<string, string>)
    const arrival: Arrival = {
      hook: name,
      from: new URL(path, 'http://hook').searchParams.get('from') ?? '',
      id: headers['webhook-id'] as string,
      attempt: Number(headers['seam-relay-attempt']),
      body,
    }
    arrivals.push(arrival)
    return answering(arrival, response)
  })
  return {
    arrivals,
    of: (replica) => ({ name, url: `${receiver.url}?from=${replica}`, secrets: [secret], ...settings }),
  }
}

/** The delivery that a request belongs to. */
export function keyOf({ hook, id }: { hook: string; id: string }): string {
  return `${hook} ${id}`
}

/** The deliveries that came more than once. */
export function doubled(arrivals: readonly Arrival[]): Set<string> {
  const keys = arrivals.map(keyOf)
  return new Set(keys.filter((key, index) => keys.indexOf(key) !== index))
}
