import { chromiumProgram, launchChromium } from '../support/chromium-program.ts'
import { atAnEvenPace, timedCall } from './people-calls.ts'

// Five people who watch the page.

const VIEWERS = 5
/** While something happens, the page loads the overview and the counts anew so long after it did. */
const OVERVIEW_GAP_MS = 3000
const COUNTS_GAP_MS = 10_000
const MINUTE_MS = 60_000

/** Ends it, once what is under way has been answered. */
export type Stop = () => Promise<void>

/** Five that do what the page does, without a browser: the stream, and as often as it does the overview and the last hour's counts. */
export function watchByClients(operatorUrl: string): Promise<Stop> {
  const viewers = Array.from({ length: VIEWERS }, () => {
    const ending = new AbortController()
    const following = follow(`${operatorUrl}/api/stream`, ending.signal)
    const stopOverview = atAnEvenPace(OVERVIEW_GAP_MS, async () => {
      await timedCall(`${operatorUrl}/api/overview`)
    })
    const stopCounts = atAnEvenPace(COUNTS_GAP_MS, async () => {
      await timedCall(`${operatorUrl}/api/counts?step=60&since=${lastHour()}`)
    })
    return async () => {
      await Promise.all([stopOverview(), stopCounts()])
      ending.abort()
      await following
    }
  })
  return Promise.resolve(async () => void (await Promise.all(viewers.map((stop) => stop()))))
}

/** Since when the page shows it: the minute that is not over is one of the sixty. */
function lastHour(): string {
  return new Date((Math.floor(Date.now() / MINUTE_MS) - 59) * MINUTE_MS).toISOString()
}

async function follow(url: string, signal: AbortSignal): Promise<void> {
  const stream = await fetch(url, { signal })
  if (stream.status !== 200 || stream.body === null) throw new Error(`the stream: ${stream.status}`)
  try {
    for await (const _chunk of stream.body);
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Whether there is a browser for this system. */
export async function hasBrowser(): Promise<boolean> {
  return (await chromiumProgram()) !== undefined
}

/** The page itself, in five tabs of a real Chromium. */
export async function watchByBrowser(operatorUrl: string): Promise<Stop> {
  const browser = await launchChromium()
  for (let n = 0; n < VIEWERS; n++) {
    const page = await (await browser.newContext()).newPage()
    await page.goto(`${operatorUrl}/`)
    await page.getByText('live', { exact: true }).waitFor()
  }
  return () => browser.close()
}
