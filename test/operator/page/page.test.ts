import { expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { describeInBrowser } from '../../support/browser.ts'
import { credentialEvent } from '../../support/credential-event.ts'
import { hooksOf, readHooks } from '../../support/hooks.ts'
import { newDatabase } from '../../support/postgres.ts'
import { hookTo, startReceiver, startRelay } from '../../support/relay.ts'
import { KEY, eventFrom, reconciling, seam } from '../../reconcile/support.ts'
import { until } from '../../support/until.ts'

const TOKEN = 'a-token-of-the-operator'
const READ_TOKEN = 'a-token-that-only-reads'

describeInBrowser('the page', (visit) => {
  test('signs in, and out again, and says what is wrong with a wrong token', async () => {
    const relay = await startRelay({ OPERATOR_TOKEN: TOKEN })
    const { page, complaints } = await visit(relay.operatorUrl)
    await signIn(page, 'not-the-token')
    await page.getByRole('alert').getByText('none of the tokens').waitFor()
    await signIn(page, TOKEN)
    await page.getByText('No webhook has come yet').first().waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Token').waitFor()
    // The browser's own line for each 401; there is nothing else.
    complaints.splice(0, complaints.length, ...complaints.filter((line) => !line.includes('status of 401')))
  })

  test('says that nothing is lost, and draws what came', async () => {
    const receiver = await startReceiver()
    const relay = await startRelay(hookTo(receiver))
    await relay.send(credentialEvent())
    await receiver.hasReceived(1)
    const { page } = await visit(relay.operatorUrl)
    await page.getByText('Nothing is lost and nothing waits for you.').waitFor()
    await page.getByRole('img', { name: /^Webhooks: 1 accepted/ }).waitFor()
    await page.getByRole('img', { name: /^To one: 1 delivered/ }).waitFor()
    expect(await page.title()).toBe('Overview · seam-relay')
  })

  test('a pasted id leads to its event, and the event to the story of its credential', async () => {
    const receiver = await startReceiver()
    const relay = await startRelay(hookTo(receiver))
    const event = credentialEvent()
    await relay.send(event)
    await receiver.hasReceived(1)
    const { page } = await visit(relay.operatorUrl)
    await page.getByText('Nothing is lost').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type(event.event_id)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Event', exact: true }).waitFor()
    await page.getByText('Delivered at').waitFor()
    await page.getByRole('link', { name: event.acs_credential_id }).click()
    await page.getByText(/is known to one since/).waitFor()
    await page.getByText('up to date').waitFor()
  })

  test('a failing hook is said first, and its dead letter is replayed and turns delivered before one’s eyes', async () => {
    const receiver = await startReceiver(410)
    const relay = await startRelay(hookTo(receiver))
    const event = credentialEvent({ event_type: 'acs_credential.deleted' })
    await relay.send(event)
    await relay.logged('delivery given up: a dead letter')
    const { page } = await visit(relay.operatorUrl)
    await page
      .getByText(/1 revocation has not reached one/)
      .first()
      .waitFor()
    await page.getByRole('link', { name: 'Failures' }).click()
    await page.getByText('1 dead letter', { exact: true }).waitFor()
    receiver.behaviour = 204

    await page.getByRole('link', { name: 'Show them' }).click()
    await page.getByRole('cell').getByText('dead letter').waitFor()
    await page.getByRole('cell').locator('a.id').first().click()
    await page.getByRole('button', { name: 'Replay' }).click()
    await page.getByText('1 delivery will be sent.').waitFor()
    await page.getByText('will see these events again').waitFor()
    await page.getByRole('button', { name: 'Replay 1 delivery' }).click()
    await page.getByText('1 of 1 put back').waitFor()
    await page.getByRole('button', { name: 'Close' }).last().click()
    await page.getByText('Delivered at').waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByText('Nothing is lost and nothing waits for you.').waitFor()
    expect(receiver.ids).toEqual([event.event_id, event.event_id])
  })

  test('a replay of revocations is offered only where something was given up', async () => {
    const relay = await startRelay(hookTo(await startReceiver(410)))
    await relay.send(credentialEvent({ event_type: 'acs_credential.deleted' }))
    await relay.logged('delivery given up: a dead letter')
    const { page } = await visit(relay.operatorUrl)
    await page.getByRole('button', { name: 'Replay to one' }).waitFor()

    const overviewWith = async (changes: object) =>
      page.route('**/api/overview', async (route) => {
        const response = await route.fetch()
        const overview = (await response.json()) as { hooks: object[] }
        const hooks = overview.hooks.map((hook) => ({ ...hook, ...changes }))
        await route.fulfill({ response, json: { ...overview, hooks } })
      })
    await overviewWith({ dead: 0, pending: 1 })
    await page.getByRole('button', { name: 'Replay to one' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Test one' }).first().waitFor()
    const pause = { paused_at: new Date().toISOString(), paused_by: 'operator', reason: 'a move' }
    await overviewWith({ dead: 1, pause })
    await page.getByRole('button', { name: 'Resume one' }).waitFor()
    await overviewWith({ dead: 1, is_configured: false })
    await page.getByRole('button', { name: 'Discard what it holds' }).waitFor()
    await page.unrouteAll({ behavior: 'wait' })
  })

  test('a quarantined body that fits by now is judged again and delivered', async () => {
    const receiver = await startReceiver()
    const relay = await startRelay(hookTo(receiver))
    const event = credentialEvent()
    // As an older version would have set it aside, before it knew this form.
    await relay.app.store.quarantine({
      messageId: 'msg_of_an_older_version',
      bytes: Buffer.from(JSON.stringify(event)),
      problems: [{ path: '/event_type', message: 'is not known' }],
    })
    const { page } = await visit(relay.operatorUrl)
    await page.getByRole('link', { name: /^Quarantine/ }).click()
    await page.getByText('is not known').waitFor()
    await page.getByRole('cell').locator('a.id').click()
    await page.getByText(event.event_id).waitFor()
    await page.getByRole('button', { name: 'Judge again' }).click()
    await page.getByText('It fits: it is accepted').waitFor()
    await page.getByRole('link', { name: 'Show the event' }).click()
    await page.getByText('Delivered at').waitFor()
    expect(receiver.ids).toEqual([event.event_id])
  })

  test('what another replica accepts and delivers appears by itself', async () => {
    const receiver = await startReceiver()
    const settings = { ...hookTo(receiver), DATABASE_URL: await newDatabase(), OPERATOR_TOKEN: TOKEN }
    const [one, other] = [
      await startRelay(settings),
      await startRelay({ ...settings, OPERATOR_READ_TOKEN: READ_TOKEN }),
    ]
    const { page, complaints } = await visit(`${one.operatorUrl}/#/events`)
    await signIn(page, TOKEN)
    complaints.length = 0
    await page.getByText('No event matches.').waitFor()
    await page.getByText('live', { exact: true }).waitFor()
    await other.send(credentialEvent())
    await page.getByRole('cell').getByText('delivered').waitFor()
  })

  test('with a token that only reads, everything is seen and every button that changes something is off', async () => {
    const receiver = await startReceiver(410)
    const relay = await startRelay({
      ...hookTo(receiver),
      OPERATOR_TOKEN: TOKEN,
      OPERATOR_READ_TOKEN: READ_TOKEN,
    })
    await relay.send(credentialEvent())
    await relay.logged('delivery given up: a dead letter')
    const { page, complaints } = await visit(`${relay.operatorUrl}/#/failures`)
    await signIn(page, READ_TOKEN)
    complaints.length = 0
    const replay = page.getByRole('button', { name: 'Replay 1 dead letter' })
    expect(await replay.isDisabled()).toBe(true)
    expect(await replay.getAttribute('title')).toContain('only reads')
  })

  test('a hook is paused with a reason and resumed, by the keyboard alone', async () => {
    const receiver = await startReceiver()
    const relay = await startRelay(hooksOf({ name: 'one', url: receiver.url }))
    const { page } = await visit(`${relay.operatorUrl}/#/hooks`)
    await page.getByRole('button', { name: 'Pause' }).waitFor()
    await tabTo(page, 'Pause')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await tabTo(page, 'Why')
    await page.keyboard.type('the receiver is moved')
    await page.keyboard.press('Enter')
    await page.getByText(/Paused by loopback.*the receiver is moved/).waitFor()
    await relay.send(credentialEvent())
    await tabTo(page, 'Resume')
    await page.keyboard.press('Enter')
    await page.getByText("1 delivery waits for one: all of it is sent, by the hook's own limits.").waitFor()
    await tabTo(page, 'Resume')
    await page.keyboard.press('Enter')
    await page.getByText('well', { exact: true }).waitFor()
    await receiver.hasReceived(1)
  })

  test('a hook that came later is given the events from before it', async () => {
    const relay = await startRelay()
    const event = credentialEvent()
    await relay.send(event)
    const receiver = await startReceiver()
    relay.app.setHooks(readHooks({ name: 'later', url: receiver.url }))
    const { page } = await visit(`${relay.operatorUrl}/#/hooks/later`)
    await page.getByRole('button', { name: 'Give it older events' }).click()
    await page.getByText('1 delivery will be sent.').waitFor()
    await page.getByLabel(/At most so many a second/).fill('5')
    await page.getByRole('button', { name: 'Replay 1 delivery' }).click()
    await page.getByText('1 of 1 put back to be sent').waitFor()
    await page.getByText('at most 5 a second').waitFor()
    await receiver.hasReceived(1)
    expect(receiver.ids).toEqual([event.event_id])
  })

  test('dead letters that nobody needs are put aside, and what a removed hook holds is discarded', async () => {
    const receiver = await startReceiver(410)
    const relay = await startRelay(hookTo(receiver))
    await relay.send(credentialEvent())
    await relay.logged('delivery given up: a dead letter')
    const { page } = await visit(`${relay.operatorUrl}/#/failures`)
    await page.getByRole('button', { name: 'Put aside' }).click()
    await page.getByRole('dialog').getByText('These are 1 dead letter with the code gone.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Put aside 1 dead letter' }).click()
    await page.getByText('1 dead letter is put aside.').waitFor()
    await page.keyboard.press('Escape')

    await relay.app.store.pauseHook({ hook: 'one', pausedBy: 'operator', reason: 'it goes' })
    await until(
      'the pause',
      async () => (await relay.metric('seam_relay_hook_paused', { hook: 'one' })) === 1,
    )
    await relay.send(credentialEvent())
    relay.app.setHooks([])
    // What is said of hooks is up to some seconds old.
    await until('the overview to know what it holds', async () => {
      const response = await fetch(`${relay.operatorUrl}/api/hooks`)
      const { items } = (await response.json()) as { items: { pending: number }[] }
      return items[0]?.pending === 1
    })
    await page.goto(`${relay.operatorUrl}/#/hooks`)
    await page.getByRole('button', { name: 'Discard what it holds' }).click()
    await page.getByText('1 delivery waits, and there are 0 dead letters.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click()
    await page.getByText('1 delivery was discarded.').waitFor()
  })

  test('Seam is asked first how many events did not come, and then they are taken in', async () => {
    const [stub, receiver] = [await seam(), await startReceiver()]
    const event = eventFrom(300 * 60_000)
    stub.eventsOf(KEY).push(event)
    const relay = await startRelay({ ...reconciling(stub), ...hookTo(receiver) })
    const { page } = await visit(`${relay.operatorUrl}/#/reconciliation`)
    await page.getByRole('button', { name: 'Ask Seam' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Ask Seam' }).click()
    await dialog.getByText('1 event checked: 1 event did not come.').waitFor()
    expect(receiver.ids).toEqual([])
    await dialog.getByLabel('Until').fill('')
    await dialog.getByLabel('Since').fill(event.created_at.slice(0, 16))
    await dialog.getByRole('button', { name: 'Ask Seam' }).click()
    await dialog.getByRole('button', { name: 'Take in 1 event' }).click()
    await dialog.getByText('1 event checked, 1 missed, 1 taken in.').waitFor()
    await receiver.hasReceived(1)
  })

  test('only the newest count of a replay is waited for, and the one before is ended', async () => {
    const relay = await startRelay(hookTo(await startReceiver(410)))
    await relay.send(credentialEvent())
    await relay.logged('delivery given up: a dead letter')
    const { page } = await visit(`${relay.operatorUrl}/#/failures`)
    // The first count is never answered, as if the store were still at it.
    let counts = 0
    await page.route('**/api/replay', async (route) => {
      if (counts++ > 0) await route.continue()
    })
    await page.evaluate(`
      window.signals = []
      const send = window.fetch
      window.fetch = (path, options) => {
        if (path === '/api/replay') signals.push(options.signal)
        return send(path, options)
      }`)
    await page.getByRole('button', { name: 'Replay 1 dead letter' }).click()
    await until('the first count', async () => counts === 1)
    await page.getByLabel(/Also send now what waits/).check()
    await page.getByText('1 delivery will be sent.').waitFor()
    const ended = await page.evaluate('signals.map(({ aborted }) => aborted)')
    expect(ended).toEqual([true, false])
    await page.unrouteAll({ behavior: 'ignoreErrors' })
  })

  test('times are written in UTC or in local time, and the choice is remembered', async () => {
    const relay = await startRelay(hookTo(await startReceiver()))
    await relay.send(credentialEvent({ occurred_at: '2026-03-01T09:59:59.123456Z' }))
    const { page } = await visit(`${relay.operatorUrl}/#/events`, { timezoneId: 'America/New_York' })
    await page.getByRole('cell').locator('a.id').first().click()
    await page.getByText('2026-03-01 09:59:59.123').waitFor()
    await page.getByLabel('Times in').selectOption('local')
    await page.getByText('2026-03-01 04:59:59.123').waitFor()
    await page.reload()
    await page.getByText('2026-03-01 04:59:59.123').waitFor()
  })

  test('a connection that is lost is said, and what was missed meanwhile is there when it is back', async () => {
    const receiver = await startReceiver()
    const relay = await startRelay(hookTo(receiver))
    const { page, complaints } = await visit(`${relay.operatorUrl}/#/events`)
    await page.getByText('live', { exact: true }).waitFor()
    await page.context().setOffline(true)
    relay.app.operatorListener.server.closeAllConnections()
    await page.getByText('connection lost').waitFor()
    const event = credentialEvent()
    await relay.send(event)
    await receiver.hasReceived(1)
    await page.context().setOffline(false)
    await page.getByText('live', { exact: true }).waitFor()
    await page.getByRole('cell').getByText('acs_credential.issued').waitFor()
    complaints.splice(0, complaints.length, ...complaints.filter((line) => !line.includes('net::ERR_')))
  })

  test('the PIN of a payload is masked until somebody asks for it, which the action log keeps', async () => {
    const relay = await startRelay({ ACCEPT_EVENT_TYPES: '*', ...hooksOf() })
    const event = credentialEvent({ code: '4711' })
    await relay.send(event)
    const { page } = await visit(`${relay.operatorUrl}/#/events/${event.event_id}`)
    await page.getByText('"acs_credential.issued"').waitFor()
    expect(await page.content()).not.toContain('4711')
    await page.getByRole('button', { name: 'Reveal the PIN' }).click()
    await page.getByText('"4711"').waitFor()
    await page.getByRole('link', { name: 'Actions' }).click()
    await page.getByRole('cell').getByText(event.event_id).waitFor()
  })

  test('a number of a payload that JavaScript would round is shown as it came', async () => {
    const relay = await startRelay({ ACCEPT_EVENT_TYPES: '*', ...hooksOf() })
    const event = credentialEvent()
    const body = JSON.stringify(event).replace(/\}$/, ',"serial":12345678901234567891,"share":1.0}')
    expect(await relay.send(body)).toMatchObject({ status: 202 })
    const { page } = await visit(`${relay.operatorUrl}/#/events/${event.event_id}`)
    await page.getByText('"serial": 12345678901234567891').waitFor()
    await page.getByText('"share": 1.0').waitFor()
  })
})

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Presses Tab until the element of this name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  await until(`the focus on ${name}`, async () => {
    await page.keyboard.press('Tab')
    const names = await page.evaluate<unknown[]>(
      '[document.activeElement.textContent, document.activeElement.labels?.[0]?.textContent]',
    )
    return names.includes(name)
  })
}
