import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from '../support/chromium-program.ts'
import { startSeededRelay } from './seeded-relay.ts'

// Makes the pictures of docs/page.md: the page of a real relay, in a real browser.

const FOLDER = fileURLToPath(new URL('../../docs/pictures/', import.meta.url))
const WIDE = { width: 1180, height: 760 }
const TALL = { width: 1180, height: 1120 }
const NARROW = { width: 390, height: 780 }

const browser = await launchChromium()
try {
  const calm = await startSeededRelay({ isOnFire: false })
  await picture('well', `${calm.operatorUrl}/#/`, 'Nothing is lost', { colorScheme: 'dark' })
  await calm.stop()

  const relay = await startSeededRelay({ isOnFire: true })
  const at = (view: string) => `${relay.operatorUrl}/#/${view}`
  await picture('overview', at(''), 'have not reached', { viewport: TALL })
  await picture('telephone', at(''), 'have not reached', { viewport: NARROW })
  await picture('event', at(`events/${relay.eventId}`), 'A dead letter since')
  await picture('credential', at(`credentials/${relay.credentialId}`), 'Who knows what')
  await picture('quarantine', at(`quarantine/${relay.quarantineId}`), 'Judge again')
  await picture('replay', at('failures'), 'dead letter', {}, async (page) => {
    await page
      .getByRole('button', { name: /^Replay/ })
      .first()
      .click()
    await page.getByText('will be sent.').waitFor()
  })
  await relay.stop()
} finally {
  await browser.close()
}

async function picture(
  name: string,
  url: string,
  text: string,
  options: Parameters<Browser['newContext']>[0] = {},
  before: (page: Page) => Promise<void> = async () => {},
): Promise<void> {
  const context = await browser.newContext({ viewport: WIDE, colorScheme: 'light', ...options })
  const page = await context.newPage()
  await page.goto(url)
  await page.getByText(text).first().waitFor()
  await page.getByText('live', { exact: true }).waitFor()
  await before(page)
  await page.screenshot({ path: `${FOLDER}${name}.png` })
  await context.close()
}
