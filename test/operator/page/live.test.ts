import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { happen } from '../../support/activity.ts'
import { describeInBrowser } from '../../support/browser.ts'
import { startRelay } from '../../support/relay.ts'
import type { Relay } from '../../support/relay.ts'
import { until } from '../../support/until.ts'

const SHOWN = 14
const HIDDEN = (isHidden: boolean) =>
  `Object.defineProperty(document, 'hidden', { configurable: true, value: ${isHidden} }); document.dispatchEvent(new Event('visibilitychange'))`
/** How often the list of what just happened was drawn anew. */
const COUNT_DRAWINGS = `drawings = 0; new MutationObserver(() => drawings++).observe(document.querySelector('.feed'), { childList: true, subtree: true, characterData: true })`

describeInBrowser('the page that follows what happens', (visit) => {
  test('what comes together is drawn together, the newest first', async () => {
    const relay = await startRelay()
    const { page } = await visit(relay.operatorUrl)
    await page.getByText('live', { exact: true }).waitFor()
    await happen(relay, 'first')
    await page.locator('.feed').waitFor()
    await page.evaluate(COUNT_DRAWINGS)
    const activity = Array.from({ length: 20 }, (_, n) => ({ ...ACCEPTED, id: `id-${n}` }))
    await relay.app.store.record({ counts: [], activity, skipped: 0 })
    await page.locator('.feed li').first().getByText('id-19').waitFor()
    expect(await page.locator('.feed li').count()).toBe(SHOWN)
    // The first of them at once, the others as one.
    expect(await page.evaluate<number>('drawings')).toBeLessThanOrEqual(2)
  })

  test('a page that nobody sees draws and loads nothing, and makes up for it when it is seen', async () => {
    const relay = await startRelay()
    const { page } = await visit(relay.operatorUrl)
    await page.getByText('live', { exact: true }).waitFor()
    const heard = await hearBeside(page)
    await page.evaluate(HIDDEN(true))
    const asked = callsOf(page)
    await happen(relay, 'unseen')
    await happen(relay, 'newest')
    await until('the browser to be told of both', async () => (await heard()) === 2)
    expect(asked).toEqual([])
    expect(await page.locator('.feed li').count()).toBe(0)
    await page.evaluate(HIDDEN(false))
    await page.locator('.feed').getByText('unseen').waitFor()
    await until('the figures to be loaded', () => asked.includes('overview') && asked.includes('counts'))
  })

  test('a chart has a table only while it is open, and that is reached by the keyboard', async () => {
    const relay = await startRelay()
    await countOne(relay)
    const { page } = await visit(relay.operatorUrl)
    const summary = page.locator('summary').first()
    await summary.waitFor()
    expect(await page.locator('details table').count()).toBe(0)
    await summary.press('Enter')
    await page.getByRole('region', { name: 'Webhooks in numbers' }).getByRole('cell', { name: '1' }).waitFor()
    await summary.press('Enter')
    await page.locator('details table').waitFor({ state: 'detached' })
  })

  test('all pages that show an hour or a day ask for the same span', async () => {
    const relay = await startRelay()
    const { page } = await visit('about:blank')
    const spans: [since: number, stepMs: number][] = []
    page.on('request', (request) => {
      const { pathname, searchParams } = new URL(request.url())
      if (pathname !== '/api/counts') return
      spans.push([Date.parse(searchParams.get('since') ?? ''), Number(searchParams.get('step')) * 1000])
    })
    await page.goto(relay.operatorUrl)
    await page.getByRole('button', { name: 'Last day' }).click()
    await until('both to be asked for', () => new Set(spans.map(([, stepMs]) => stepMs)).size === 2)
    expect(spans.filter(([since, stepMs]) => since % stepMs !== 0)).toEqual([])
  })
})

const ACCEPTED = { kind: 'accepted' as const, at: 0, eventType: 'a.b', hook: null, code: null }

async function countOne({ app }: Relay): Promise<void> {
  const counts = [{ kind: 'accepted' as const, hook: '', code: '', count: 1 }]
  await app.store.record({ counts, activity: [], skipped: 0 })
}

/** A stream of its own in the same browser. The page has been told as much as this one. */
async function hearBeside(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(
    `heard = 0; beside = new EventSource('/api/stream'); beside.addEventListener('message', () => heard++); undefined`,
  )
  await until('its stream', () => page.evaluate<boolean>('beside.readyState === EventSource.OPEN'))
  return () => page.evaluate<number>('heard')
}

/** Which calls the page makes from now on. */
function callsOf(page: Page): string[] {
  const calls: string[] = []
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (pathname.startsWith('/api/')) calls.push(pathname.slice('/api/'.length))
  })
  return calls
}
