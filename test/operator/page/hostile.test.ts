import { expect, test } from 'vitest'
import { describeInBrowser } from '../../support/browser.ts'
import { credentialEvent } from '../../support/credential-event.ts'
import { hookTo, startReceiver, startRelay } from '../../support/relay.ts'

/** Each of these would run, load or hide something if it were ever taken for markup. */
const MARKUP = `"'><img src=x onerror=alert(1)><script>alert(2)</script><svg onload=alert(3)></svg>\${alert(4)}{{alert(5)}}`
const ID = 'javascript:alert(6)'

describeInBrowser('text from outside', (visit) => {
  test('out of payloads is shown and never run', async () => {
    const relay = await startRelay(hookTo(await startReceiver()))
    const event = { ...credentialEvent(), note: MARKUP, constructor: null, type: 'script', props: {} }
    await relay.send(event)
    const { page } = await visit(`${relay.operatorUrl}/#/events/${event.event_id}`)
    await page.getByLabel('Payload').getByText('<script>alert(2)</script>').waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
  })

  test('out of ids, in the story and in links, is shown and never run', async () => {
    const relay = await startRelay({ ACCEPT_EVENT_TYPES: '*', ...hookTo(await startReceiver()) })
    const body = { ...credentialEvent(), note: MARKUP }
    await relay.send(body, { messageId: ID })
    const { page } = await visit(`${relay.operatorUrl}/#/search?q=${encodeURIComponent(MARKUP)}`)
    await page.getByText('Nothing here has this id').waitFor()
    await page.getByText('<script>alert(2)</script>').waitFor()
    await page.goto(`${relay.operatorUrl}/#/hooks/${encodeURIComponent(MARKUP)}`)
    await page.getByText('There is no hook named').waitFor()
    await page.goto(`${relay.operatorUrl}/#/${encodeURIComponent(MARKUP)}/x/y`)
    await page.getByText('There is no such view').waitFor()
    await page.goto(`${relay.operatorUrl}/#/events/${body.event_id}`)
    await page.getByText(ID).waitFor()
    const hrefs = await page
      .locator('a')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href')))
    expect(hrefs.filter((href) => !href?.startsWith('#'))).toEqual([])
  })

  test('out of a quarantined body and its problems is shown and never run', async () => {
    const relay = await startRelay(hookTo(await startReceiver()))
    const answer = await relay.send({ ...credentialEvent(), event_id: MARKUP, [MARKUP]: MARKUP })
    const text = await relay.send(`<!doctype html>${MARKUP}`)
    const { page } = await visit(`${relay.operatorUrl}/#/quarantine/${String(answer.body['id'])}`)
    await page.getByLabel('Body', { exact: true }).getByText('<script>alert(2)</script>').first().waitFor()
    await page.goto(`${relay.operatorUrl}/#/quarantine/${String(text.body['id'])}`)
    await page.getByLabel('Body', { exact: true }).getByText('<!doctype html>').waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
  })

  test('out of hooks’ answers is shown and never run', async () => {
    const receiver = await startReceiver((_request, response) =>
      response
        .writeHead(410, { 'content-type': 'text/html', 'x-note': MARKUP.replaceAll('\n', '') })
        .end(MARKUP),
    )
    const relay = await startRelay(hookTo(receiver))
    const event = credentialEvent()
    await relay.send(event)
    await relay.logged('delivery given up: a dead letter')
    const { page } = await visit(`${relay.operatorUrl}/#/events/${event.event_id}`)
    await page.getByRole('cell').getByText('<script>alert(2)</script>').waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
    await page.goto(`${relay.operatorUrl}/#/hooks`)
    await page.getByRole('button', { name: 'Test' }).click()
    await page.getByRole('button', { name: 'Send the sample' }).click()
    await page.getByLabel('What it answered').getByText('<script>alert(2)</script>').waitFor()
  })

  test('out of the headers and addresses of refused requests is shown and never run', async () => {
    const relay = await startRelay({ TRUST_PROXY: 'true', ...hookTo(await startReceiver()) })
    await fetch(`${relay.url}/webhooks/seam`, {
      method: 'POST',
      headers: {
        'x-forwarded-for': MARKUP,
        'svix-id': MARKUP,
        'svix-timestamp': '1',
        'svix-signature': MARKUP,
      },
      body: MARKUP,
    })
    const { page } = await visit(`${relay.operatorUrl}/#/refusals`)
    await page.getByText('1 request was refused').waitFor()
    await page.getByRole('cell').first().waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
  })

  test('that a person wrote, as the reason of a pause, is shown and never run', async () => {
    const relay = await startRelay(hookTo(await startReceiver()))
    await relay.app.store.pauseHook({ hook: 'one', pausedBy: 'operator', reason: MARKUP })
    const { page } = await visit(`${relay.operatorUrl}/#/hooks`)
    await page.getByText('<script>alert(2)</script>').waitFor()
  })
})
