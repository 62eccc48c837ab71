import { Agent, request } from 'undici'
import type { Config } from '../../config.ts'
import { urlOf } from '../settings-at-hand.ts'
import { whyUnreached } from '../unreached.ts'
import type { Line } from './line.ts'
import { look, ok, skipped, wrong } from './line.ts'

/** Whether the service that these settings are for runs and can take webhooks. */
export async function serviceLine({ publicListener }: Config, timeoutMs: number): Promise<Line> {
  if (publicListener.port === 0) return skipped('service', 'its port is chosen at the start (PORT=0)')
  const url = `${urlOf(publicListener, '--to')}/readyz`
  const agent = new Agent({
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: 65_536,
  })
  try {
    const { statusCode, body } = await request(url, { dispatcher: agent })
    return readinessLine(url, statusCode === 200, await body.text())
  } catch (error) {
    return look(
      'service',
      `${url}: ${whyUnreached(error)}`,
      'Start seam-relay, unless it is meant to be off.',
    )
  } finally {
    await agent.destroy()
  }
}

function readinessLine(url: string, isReady: boolean, text: string): Line {
  const readiness = readinessIn(text)
  if (readiness === null) {
    const advice = 'Another program has this port: stop it, or give seam-relay another PORT.'
    return wrong('service', `${url} is answered by something that is not seam-relay`, advice)
  }
  if (isReady) return ok('service', `${url}: ready, takes webhooks`)
  const why = readiness.reason ?? 'it is stopping'
  const advice = 'Webhooks are answered 503 meanwhile, and Seam sends them again.'
  return wrong('service', `${url}: not ready: ${why}`, advice)
}

function readinessIn(text: string): { reason?: string } | null {
  try {
    const document = JSON.parse(text) as { checks?: object; reason?: string } | null
    return typeof document?.checks === 'object' ? document : null
  } catch {
    return null
  }
}
