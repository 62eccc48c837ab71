import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { sql } from '../../support/postgres.ts'
import type { RelayProcess } from '../../support/relay-process.ts'
import { newSecret } from '../../support/signed-webhook.ts'
import { Stage } from '../../support/stage.ts'
import { untilPatiently } from '../../support/until.ts'
import { deliveries, everythingIsSettled } from '../replicas/stored.ts'
import { dayOf } from './doors.ts'
import { Fleet } from './fleet.ts'
import { Seam } from './seam.ts'
import { Service } from './service.ts'
import type { Entry } from './service.ts'

const DOORS = 1000
const SEED = 7
/** So many deliveries are surely in flight when a replica is killed. */
const IN_FLIGHT = 6

describe("a day at a customer's", { timeout: 240_000 }, () => {
  test('with all that goes wrong in it ends with nothing lost and nothing waiting, as the overview says', async (context) => {
    const stage = new Stage(context)
    const database = await stage.database()
    const day = dayOf(DOORS, SEED)
    const events = day.hours.flat()
    expect(events).toHaveLength(5000)
    const hookSecret = newSecret()
    const [accessLog, billing, doors] = (await Promise.all(
      ['access-log', 'billing', 'doors'].map((name) => Service.start(name, hookSecret)),
    )) as [Service, Service, Service]
    const services = [accessLog, billing, doors]
    context.onTestFinished(async () => void (await Promise.all(services.map((service) => service.down()))))

    const fleet = new Fleet(stage, database, stage.secret)
    const hooksWith = (secrets: readonly string[]) => [
      { service: accessLog, secrets },
      { service: billing, secrets },
      { service: doors, secrets, settings: { ordering: 'credential' } },
    ]
    fleet.writeHooks(hooksWith([hookSecret]))
    await fleet.startAll()
    const seam = new Seam(stage.secret, () => fleet.urls)
    context.onTestFinished(() => seam.stop())

    const newSeamSecret = newSecret()
    const newHookSecret = newSecret()
    const nightly: string[] = []
    let killed = { process: '', leased: new Set<string>() }
    let restarted: Promise<void> = Promise.resolve()
    const exitCodes: (number | null)[] = []

    /** What happens in an hour, while its webhooks come. */
    const happenings: Record<number, () => Promise<void>> = {
      1: () => billing.down(),
      5: async () => void nightly.push(await sentenceOf(fleet.relays[0] as RelayProcess, 'billing')),
      7: () => billing.up(),
      9: async () => {
        fleet.seamSecrets = [newSeamSecret, stage.secret]
        exitCodes.push(...(await fleet.roll()))
        seam.secret = newSeamSecret
      },
      10: async () => {
        fleet.writeHooks(hooksWith([newHookSecret, hookSecret]))
        for (const service of services) service.secrets = [newHookSecret, hookSecret]
        await fleet.reload()
      },
      11: async () => {
        doors.withholds = { from: fleet.processOf('a'), count: IN_FLIGHT }
        await untilPatiently('deliveries to be in flight', () => doors.withheld.length === IN_FLIGHT)
        const process = await fleet.kill('a')
        killed = { process, leased: await leasedOnce(database, process) }
        restarted = fleet.start('a')
      },
      12: () => restarted,
      17: async () => {
        fleet.seamSecrets = [newSeamSecret]
        exitCodes.push(...(await fleet.roll()))
      },
    }
    let late: typeof events = []
    for (const [hour, ofHour] of day.hours.entries()) {
      if (hour === 14) {
        // Seam is silent: what happens now comes an hour later, and some of the hour before a second time.
        late = [...(day.hours[13] as typeof events), ...ofHour]
        continue
      }
      const sent = [...late, ...ofHour]
      late = []
      await Promise.all([seam.send(sent), happenings[hour]?.()])
    }

    await everythingIsSettled(database)
    for (const relay of fleet.relays) await expectAllWell(relay, events.length)

    // And it is true. What Seam was answered:
    const resent = new Set(day.hours[13]?.map(({ event_id }) => event_id))
    const answers = events.map(({ event_id: id }) => ({ id, said: seam.answers.get(id) ?? [] }))
    expect(answers.filter(({ id, said }) => said.length !== (resent.has(id) ? 2 : 1))).toEqual([])
    expect(answers.filter(({ id, said }) => resent.has(id) && said[1] !== 'duplicate')).toEqual([])
    // The first is `duplicate` only where the answer got lost with the replica that was killed.
    const unheard = answers.filter(({ said }) => said[0] !== 'accepted')
    expect(unheard.filter(({ said }) => said[0] !== 'duplicate')).toEqual([])
    expect(unheard.length).toBeLessThanOrEqual(seam.refusals.get('none') ?? 0)
    expect([...seam.refusals.keys()].filter((code) => !['none', 'unavailable'].includes(code))).toEqual([])

    // What is stored:
    const ids = events.map(({ event_id }) => event_id)
    const stored = await sql<{ webhook_id: string }>(database, 'select webhook_id from seam_relay.event_ids')
    expect(new Set(stored.map(({ webhook_id: id }) => id))).toEqual(new Set(ids))
    expect(stored).toHaveLength(ids.length)
    const rows = await deliveries(database)
    expect(rows).toHaveLength(services.length * ids.length)
    expect(rows.filter(({ state }) => state !== 'delivered')).toEqual([])

    // What each service got: every event once, but for what was in flight at the kill.
    const bodies = new Map(events.map((event) => [event.event_id, JSON.stringify(event)]))
    for (const service of services) {
      expect(service.unsigned).toBe(0)
      expect(new Set(service.ledger.map(({ id }) => id))).toEqual(new Set(ids))
      expect(service.ledger.filter(({ id, body }) => body !== bodies.get(id))).toEqual([])
      const doubles = doublesOf(service.ledger)
      expect(doubles.filter(({ from }) => from.some((one) => one !== killed.process))).toEqual([])
      expect(doubles.filter(({ id }) => !killed.leased.has(`${service.name} ${id}`))).toEqual([])
    }
    expect(doublesOf(doors.ledger).length).toBeGreaterThanOrEqual(IN_FLIGHT)

    // In order, where order was asked for: a repetition comes before anything later of its credential.
    const order = new Map([...day.ofCredential.keys()].map((credential) => [credential, [] as string[]]))
    for (const { credential, id } of doors.ledger) {
      const got = order.get(credential) as string[]
      if (got.at(-1) !== id) got.push(id)
    }
    expect(order).toEqual(day.ofCredential)

    // The night was seen, and no process ended but by our hand.
    expect(nightly).toEqual([expect.stringMatching(/^billing keeps failing /)])
    expect(exitCodes).toEqual([0, 0, 0, 0])
    for (const { relay } of fleet.processes) {
      expect(relay.logLines.filter(({ level }) => Number(level) >= 60)).toEqual([])
    }
  })
})

/** The overview's sentence, as soon as it names this hook. */
function sentenceOf(relay: RelayProcess, hook: string): Promise<string> {
  return untilPatiently(`the overview to name ${hook}`, async () => {
    const { sentence, verdict } = await overviewOf(relay)
    return verdict !== 'ok' && sentence.includes(hook) ? sentence : delay(100, null)
  })
}

async function expectAllWell(relay: RelayProcess, accepted: number): Promise<void> {
  const latest = await untilPatiently('the overview to know the latest', async () => {
    const overview = await overviewOf(relay)
    return overview.verdict === 'ok' ? overview : delay(200, null)
  })
  expect(latest).toMatchObject({
    sentence: 'Nothing is lost and nothing waits for you.',
    findings: [],
    quarantine: { open: 0 },
    hooks: ['access-log', 'billing', 'doors'].map((hook) => ({
      hook,
      breaker: 'closed',
      pending: 0,
      dead: 0,
    })),
  })
  // A replica that is killed takes the counts of its last seconds along. They are for charts; the events are all there.
  expect(latest.webhooks.accepted_last_hour).toBeGreaterThan(accepted * 0.8)
  expect(latest.webhooks.accepted_last_hour).toBeLessThanOrEqual(accepted)
}

async function overviewOf({ operatorUrl }: RelayProcess) {
  const answer = await fetch(`${operatorUrl}/api/overview`)
  return (await answer.json()) as {
    verdict: string
    sentence: string
    webhooks: { accepted_last_hour: number }
  }
}

/** What the killed process may have been sending: all that was leased once the database had closed its connections. */
async function leasedOnce(database: string, process: string): Promise<Set<string>> {
  await untilPatiently('the database to close its connections', async () => {
    const open = await sql(database, 'select from pg_stat_activity where application_name = $1', [process])
    return open.length === 0 || delay(20, false)
  })
  const leased = await deliveries(database, `d.state = 'leased'`)
  return new Set(leased.map(({ hook, webhook_id: id }) => `${hook} ${id}`))
}

/** Events that came more than once, with the senders of all but the last. */
function doublesOf(ledger: readonly Entry[]): { id: string; from: string[] }[] {
  const senders = new Map<string, string[]>()
  for (const { id, from } of ledger) senders.set(id, [...(senders.get(id) ?? []), from])
  return [...senders]
    .filter(([, from]) => from.length > 1)
    .map(([id, from]) => ({ id, from: from.slice(0, -1) }))
}
