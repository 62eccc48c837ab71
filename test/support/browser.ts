import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { launchChromium } from './chromium-program.ts'

export interface Visit {
  page: Page
  /** What the console said and what the policy forbade. A test whose page must complain empties it. */
  complaints: string[]
}

/** Opens a page at an address, in a context of its own, that must have nothing to complain of when the test has finished. */
export type VisitPage = (url: string, options?: BrowserContextOptions) => Promise<Visit>

const program = inject('chromium')

/** Tests in one real browser. Where there is none for the system, they are skipped, and a line says how to have one. */
export function describeInBrowser(
  name: string,
  tests: (visit: VisitPage) => void,
  { args = [] }: { args?: string[] } = {},
): void {
  if (program === undefined) {
    test.skip(`no Chromium comes for this system: set CHROMIUM_PATH to run "${name}"`)
    return
  }
  describe(name, () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await launchChromium(program, args)
    })
    afterAll(() => browser?.close())
    tests(async (url, options = {}) => {
      const context = await browser.newContext(options)
      const complaints: string[] = []
      onTestFinished(async () => {
        await context.close()
        expect(complaints).toEqual([])
      })
      const page = await context.newPage()
      page.setDefaultTimeout(10_000)
      page.on('console', (message) => void complaints.push(`${message.type()}: ${message.text()}`))
      page.on('pageerror', (error) => void complaints.push(`uncaught: ${error.message}`))
      page.on('dialog', (dialog) => {
        complaints.push(`a script ran: ${dialog.message()}`)
        void dialog.dismiss()
      })
      await page.goto(url)
      return { page, complaints }
    })
  })
}
