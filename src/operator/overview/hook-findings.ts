import type { FailureGroup } from '../../store/listings.ts'
import { adviceOn } from '../failure-advice.ts'
import type { Facts, HookFacts } from './facts.ts'
import type { Finding } from './finding.ts'
import { countOf, spanOf, timeOf } from './wording.ts'

/** Deliveries that have waited longer than this are late, if nothing else explains it. */
const LATE_MS = 300_000

/** What is to be said about one hook: what was given up, and why the rest waits. */
export function findingsOfHook(hook: HookFacts, facts: Facts): Finding[] {
  if (!hook.isConfigured) return removedHook(hook, facts)
  return [...deadLetters(hook, facts), ...heldBack(hook, facts)]
}

function deadLetters({ hook, dead: allDead }: HookFacts, facts: Facts): Finding[] {
  const { failures, nowMs } = facts
  const { dead: told } = toldAsRevocations(hook, facts)
  const dead = allDead - told
  if (dead <= 0) return []
  const groups = failures.filter((group) => group.hook === hook && group.dead > 0)
  const worst = groups.toSorted((a, b) => b.dead - a.dead)[0]
  const since = groups.length === 0 ? null : Math.min(...groups.map((group) => group.since))
  const when = since === null ? '' : ` since ${timeOf(since, nowMs)}`
  return [
    {
      kind: 'dead_letters',
      severity: 'act',
      count: dead,
      is_exact: true,
      hook,
      ...codeOf(worst),
      since,
      text: `${countOf(dead, told === 0 ? 'delivery' : 'other delivery', told === 0 ? 'deliveries' : 'other deliveries')} to ${hook} ${dead === 1 ? 'is a dead letter' : 'are dead letters'}${when}: ${adviceOn(worst?.code ?? null).meaning}.`,
      do: `${adviceOn(worst?.code ?? null).remedy} Then replay ${dead === 1 ? 'it' : 'them'}: nothing is lost.`,
      href: linkTo('failures', hook),
    },
  ]
}

/** Why a hook's deliveries wait: the first reason that explains it. */
function heldBack({ hook, breaker, pause, pending, oldestPendingAgeMs }: HookFacts, facts: Facts): Finding[] {
  const { nowMs, failures } = facts
  const waiting = countOf(pending, 'delivery waits', 'deliveries wait')
  const since = pending === 0 ? null : nowMs - oldestPendingAgeMs
  const worst = worstFailure(failures, hook)
  const common = { severity: 'attention' as const, count: pending, is_exact: true, hook }
  if (pause !== null) {
    return [
      {
        ...common,
        kind: 'hook_paused',
        since: pause.pausedAt,
        text: `${hook} is paused since ${timeOf(pause.pausedAt, nowMs)} by ${pause.pausedBy} (${pause.reason}): ${waiting}.`,
        do: 'Resume it when it may get events again.',
        href: linkTo('hooks', hook),
      },
    ]
  }
  if (breaker === 'open') {
    return [
      {
        ...common,
        ...codeOf(worst),
        kind: 'breaker_open',
        since,
        text: `${hook} keeps failing (${adviceOn(worst?.code ?? null).meaning}): ${waiting}.`,
        do: `${adviceOn(worst?.code ?? null).remedy} What waits goes out by itself once it answers.`,
        href: linkTo('failures', hook),
      },
    ]
  }
  const { waiting: told } = toldAsRevocations(hook, facts)
  if (pending <= told || oldestPendingAgeMs <= LATE_MS) return []
  return [
    {
      ...common,
      ...codeOf(worst),
      kind: 'late_deliveries',
      count: pending - told,
      since,
      text: `${hook} is behind: ${told === 0 ? waiting : countOf(pending - told, 'other delivery waits', 'other deliveries wait')}, the oldest for ${spanOf(oldestPendingAgeMs)}.`,
      do:
        worst === undefined
          ? 'See whether it answers slowly; if it can take more at once, raise its concurrency or maxPerSecond.'
          : `Some fail (${adviceOn(worst.code).meaning}). ${adviceOn(worst.code).remedy}`,
      href: linkTo('deliveries', hook),
    },
  ]
}

function removedHook(
  { hook, pending, dead, oldestPendingAgeMs }: HookFacts,
  { nowMs, failures }: Facts,
): Finding[] {
  if (pending + dead === 0) return []
  const givenUpSince = failures.filter((group) => group.hook === hook).map((group) => group.since)
  const times = [...(pending === 0 ? [] : [nowMs - oldestPendingAgeMs]), ...givenUpSince]
  return [
    {
      kind: 'removed_hook',
      severity: 'attention',
      count: pending + dead,
      is_exact: true,
      hook,
      since: times.length === 0 ? null : Math.min(...times),
      text: `${hook} is no longer configured and still holds ${countOf(pending + dead, 'delivery', 'deliveries')}.`,
      do: 'Configure it again under the same name, or discard what it holds.',
      href: linkTo('hooks', hook),
    },
  ]
}

/** A delivery is told once, under what it can cost most. Where not all could be looked at, nobody knows how many that are. */
function toldAsRevocations(hook: string, { revocations }: Facts): { dead: number; waiting: number } {
  const own = revocations.find((one) => one.hook === hook)
  if (own === undefined || !own.isComplete) return { dead: 0, waiting: 0 }
  return { dead: own.dead, waiting: own.count - own.dead }
}

function codeOf(group: FailureGroup | undefined): { code?: string } {
  const code = group?.code ?? null
  return code === null ? {} : { code }
}

/** What most of those fail with that are still tried; `undefined` without any. */
export function worstFailure(failures: readonly FailureGroup[], hook: string): FailureGroup | undefined {
  return failures
    .filter((group) => group.hook === hook && group.pending > 0)
    .toSorted((a, b) => b.pending - a.pending)[0]
}

/** A view of the page, narrowed to a hook. */
export function linkTo(view: string, hook: string): string {
  return `#/${view}?hook=${hook}`
}
