import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { describeInBrowser } from '../../support/browser.ts'
import { credentialEvent } from '../../support/credential-event.ts'
import { hooksOf } from '../../support/hooks.ts'
import { startReceiver, startRelay } from '../../support/relay.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8')
const VIEWS: [view: string, heading: string][] = [
  ['', 'Overview'],
  ['events', 'Events'],
  ['deliveries', 'Deliveries'],
  ['failures', 'Failures'],
  ['hooks', 'Hooks'],
  ['quarantine', 'Quarantine'],
  ['refusals', 'Refusals'],
  ['replays', 'Replays'],
  ['actions', 'Actions'],
  ['reconciliation', 'Confirmed by Seam'],
  ['search', 'Search'],
]

/** The tables that reach beyond what they stand in, and so over what stands beside it. */
const SPILLING_TABLES = `[...document.querySelectorAll('table')].filter((table) =>
  table.getBoundingClientRect().right > table.parentElement.getBoundingClientRect().right + 1,
).map((table) => table.caption.textContent)`

describeInBrowser('for everybody', (visit) => {
  test.each([
    { colorScheme: 'light', width: 1280 },
    { colorScheme: 'dark', width: 1280 },
    { colorScheme: 'light', width: 360 },
  ] as const)(
    'every view passes axe, and fits: $colorScheme, $width px wide',
    async ({ colorScheme, width }) => {
      const relay = await startRelay(
        hooksOf(
          { name: 'access-log', url: (await startReceiver(410)).url },
          { name: 'printer', url: (await startReceiver()).url },
        ),
      )
      const event = credentialEvent()
      await relay.send(event)
      const { body } = await relay.send({ ...event, acs_credential_id: undefined })
      await relay.app.store.pauseHook({ hook: 'printer', pausedBy: 'operator', reason: 'out of paper' })
      await relay.logged('delivery given up: a dead letter')
      const { page } = await visit(relay.operatorUrl, { colorScheme, viewport: { width, height: 800 } })
      const views: typeof VIEWS = [
        ...VIEWS,
        [`events/${event.event_id}`, 'Event'],
        [`credentials/${event.acs_credential_id}`, 'Story of a credential'],
        [`quarantine/${String(body['id'])}`, 'Quarantined body'],
      ]
      // By the browser's own evaluation: the page's policy would refuse a script element.
      await page.evaluate(AXE)
      for (const [view, heading] of views) {
        await page.evaluate(`location.hash = '#/${view}'`)
        await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
        await page.locator('.loading').first().waitFor({ state: 'detached' })
        expect({ view, findings: await seriousFindings(page) }).toEqual({ view, findings: [] })
        const tooWide = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect({ view, tooWide }).toEqual({ view, tooWide: 0 })
        expect({ view, spilling: await page.evaluate(SPILLING_TABLES) }).toEqual({ view, spilling: [] })
      }
      await page.evaluate("location.hash = '#/hooks'")
      await page.getByRole('button', { name: 'Give it older events' }).first().click()
      await page.getByRole('dialog').waitFor()
      expect(await seriousFindings(page)).toEqual([])
    },
    60_000,
  )
})

async function seriousFindings(page: Page): Promise<string[]> {
  const results = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as AxeResults
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ html }) => html)
          .join(' | ')
          .slice(0, 400)}`,
    )
}
