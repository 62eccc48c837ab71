import { FINDING_KINDS } from '../api/shapes/overview.ts'
import { adviceOn } from '../failure-advice.ts'
import type { Facts, HookFacts } from './facts.ts'
import type { Finding } from './finding.ts'
import { findingsOfHook, linkTo, worstFailure } from './hook-findings.ts'
import { UNUSUAL_FROM } from './silence.ts'
import { countOf, spanOf, timeOf } from './wording.ts'

/** Everything that is to be said, what can cost most first; within one kind, what is older first. */
export function findingsOf(facts: Facts): Finding[] {
  const found = [
    ...undeliveredRevocations(facts),
    ...facts.hooks.flatMap((hook) => findingsOfHook(hook, facts)),
    ...ofReconciliation(facts),
    ...silence(facts),
    ...quarantine(facts),
    ...refusedSignatures(facts),
  ]
  const rank = (finding: Finding) => FINDING_KINDS.indexOf(finding.kind)
  return found.toSorted((a, b) => rank(a) - rank(b) || (a.since ?? Infinity) - (b.since ?? Infinity))
}

function undeliveredRevocations({ revocations, hooks, failures, nowMs }: Facts): Finding[] {
  return revocations.map(({ hook, count, since, code: ownCode, isComplete }) => {
    const state = hooks.find((one) => one.hook === hook)
    // One that was not tried waits because others to the same hook fail: an earlier event of its credential, or the breaker.
    const code = ownCode ?? worstFailure(failures, hook)?.code ?? null
    const have = count === 1 ? 'has' : 'have'
    const what = countOf(count, 'revocation', 'revocations', isComplete)
    const why = code === null ? waitingReason(state) : adviceOn(code).meaning
    return {
      kind: 'undelivered_revocations' as const,
      severity: 'act' as const,
      count,
      is_exact: isComplete,
      hook,
      ...(code === null ? {} : { code }),
      since,
      text:
        count === 0
          ? `So much waits for ${hook} since ${timeOf(since, nowMs)} (${why}) that not all of it could be looked at: revocations may be among it.`
          : `${what} ${have} not reached ${hook} since ${timeOf(since, nowMs)} (${why}): a door may be open to someone who should be out.`,
      do: revocationRemedy(state, code, count),
      href: linkTo('failures', hook),
    }
  })
}

function waitingReason(state: HookFacts | undefined): string {
  if (state === undefined || !state.isConfigured) return 'the hook is no longer configured'
  return state.pause === null ? 'it waits its turn' : 'the hook is paused'
}

function revocationRemedy(state: HookFacts | undefined, code: string | null, count: number): string {
  const secure = 'Until then, secure by hand what must not wait.'
  if (state === undefined || !state.isConfigured)
    return `Configure the hook again, or discard what it holds. ${secure}`
  if (state.pause !== null) return `Resume ${state.hook}. ${secure}`
  if (code === null) return `See why ${state.hook} is behind. ${secure}`
  return `${adviceOn(code).remedy} ${wayOut(state, count)} ${secure}`
}

/** A dead letter is not sent again by itself, and what waits needs no replay. */
function wayOut({ dead, pending }: HookFacts, count: number): string {
  const they = count === 1 ? 'it goes' : 'they go'
  if (dead === 0) return `Then ${they} out by ${count === 1 ? 'itself' : 'themselves'}.`
  if (pending === 0) return `Then replay ${count === 1 ? 'it' : 'them'}.`
  return 'Then replay the dead letters; the rest goes out by itself.'
}

function ofReconciliation({ reconciliation, nowMs }: Facts): Finding[] {
  return (reconciliation ?? []).flatMap(({ workspaceId, recovered, gaps, failing }): Finding[] => {
    const found: Finding[] = gaps.map(({ since, until, text }) => ({
      kind: 'missed_events',
      severity: 'act',
      count: 0,
      is_exact: false,
      since,
      until,
      text: `Between ${timeOf(since, nowMs)} and ${timeOf(until, nowMs)} events of workspace ${workspaceId} may be missing: ${text}.`,
      do: 'Ask Seam for that span again, and look at the credentials of that time in Seam Console.',
      href: '#/reconciliation',
    }))
    if (recovered !== null) {
      const { count, since, until } = recovered
      found.push({
        kind: 'missed_events',
        severity: 'attention',
        count,
        is_exact: true,
        since,
        text: `${countOf(count, 'event', 'events')} missed between ${timeOf(since, nowMs)} and ${timeOf(until, nowMs)}, all recovered.`,
        do: 'See why their webhooks did not come: the endpoint in Seam Console, your proxy, or seam-relay was down.',
        href: `#/events?since=${new Date(since).toISOString()}`,
      })
    }
    if (failing !== null) {
      found.push({
        kind: 'reconciliation_failing',
        severity: 'attention',
        count: 1,
        is_exact: true,
        code: failing.code,
        since: failing.since,
        text: `Seam's API cannot be asked for missed events since ${timeOf(failing.since, nowMs)}: ${failing.text}.`,
        do: 'Check SEAM_API_KEY and the way to Seam. Webhooks are taken in all the same.',
        href: '#/reconciliation',
      })
    }
    return found
  })
}

function silence({ webhooks, reconciliation, nowMs }: Facts): Finding[] {
  const { lastAt, expectedSinceLast } = webhooks
  const common = {
    kind: 'silence' as const,
    severity: 'attention' as const,
    count: 0,
    is_exact: true,
    href: '#/refusals',
  }
  if (lastAt === null) {
    return [
      {
        ...common,
        since: null,
        text: 'No webhook has come yet.',
        do: "Point Seam's webhook endpoint at https://YOUR-HOST/webhooks/seam and send a test event.",
      },
    ]
  }
  if (expectedSinceLast === null || expectedSinceLast < UNUSUAL_FROM) return []
  const silentFor = spanOf(nowMs - lastAt)
  // An hour of Seam's own list after the last webhook is enough to know whose silence it is.
  const isConfirmed =
    reconciliation !== null &&
    reconciliation.length > 0 &&
    reconciliation.every(
      ({ confirmedUntil, failing }) => failing === null && confirmedUntil !== null && confirmedUntil > lastAt,
    )
  if (isConfirmed) return []
  return [
    {
      ...common,
      since: lastAt,
      text: `No webhook for ${silentFor}; ${Math.round(expectedSinceLast)} are usual in such a time.`,
      do: 'See in Seam Console whether the endpoint is disabled or its deliveries fail, and whether your proxy lets them through.',
    },
  ]
}

function quarantine({ quarantine: { open, oldestAgeMs }, nowMs }: Facts): Finding[] {
  if (open === 0) return []
  const since = nowMs - oldestAgeMs
  return [
    {
      kind: 'quarantine',
      severity: 'act',
      count: open,
      is_exact: true,
      since,
      text: `${countOf(open, 'signed webhook is', 'signed webhooks are')} in quarantine since ${timeOf(since, nowMs)}: no hook gets ${open === 1 ? 'it' : 'them'}.`,
      do: 'See what is wrong with each, then judge it again or drop it.',
      href: '#/quarantine',
    },
  ]
}

function refusedSignatures({ refusals, nowMs }: Facts): Finding[] {
  const { mismatches, fromKnownSenders, since } = refusals
  if (mismatches === 0) return []
  const isOurs = fromKnownSenders > 0
  // Seam sends each webhook again within seconds and minutes. One alone may be a stranger's, behind a proxy that is not named.
  const mustAct = fromKnownSenders >= 3
  const when = since === null ? '' : ` since ${timeOf(since, nowMs)}`
  return [
    {
      kind: 'refused_signatures',
      severity: mustAct ? 'act' : 'attention',
      count: isOurs ? fromKnownSenders : mismatches,
      is_exact: true,
      since,
      text: isOurs
        ? `${countOf(fromKnownSenders, 'webhook', 'webhooks')} from a sender that also sends verified ones ${fromKnownSenders === 1 ? 'was' : 'were'} refused${when}: none of your secrets made the signature.`
        : `${countOf(mismatches, 'request', 'requests')} with a wrong signature ${mismatches === 1 ? 'was' : 'were'} refused${when}.`,
      do: isOurs
        ? 'If Seam has a second endpoint for this address, add its secret to SEAM_WEBHOOK_SECRET: Seam sends them again for 27 hours. Behind a proxy that TRUST_PROXY does not name, it may be a stranger: name the proxy.'
        : "If Seam's deliveries fail in its console, compare SEAM_WEBHOOK_SECRET with the endpoint's secret. Otherwise somebody else is trying.",
      href: '#/refusals',
    },
  ]
}
