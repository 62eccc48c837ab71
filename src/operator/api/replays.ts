import type { ActionLog } from '../action-log.ts'
import type { OperatorApp } from '../operator-app.ts'
import { RequestRefused } from '../request-refused.ts'
import type { OperatorApiOptions } from './options.ts'
import { askedReplay, replayView } from './replay-request.ts'
import type { AskedReplay } from './replay-request.ts'
import {
  BegunReplay,
  DiscardRequest,
  Discarded,
  DismissRequest,
  Dismissed,
  DryRun,
  Replay,
  ReplayRequest,
  Replays,
} from './shapes/action.ts'
import { Id, exactly } from './shapes/fields.ts'
import { isKnown, requireKnownHook, unknownHook } from './unknown-hook.ts'

const LISTED = 100
const replayById = { params: exactly({ id: Id }), querystring: exactly({}) }

export function replayRoutes(
  app: OperatorApp,
  options: Pick<OperatorApiOptions, 'replays' | 'hooks' | 'reader'>,
  actions: ActionLog,
): void {
  const { replays, hooks } = options
  app.post(
    '/api/replay',
    {
      config: { countsWhenDry: true },
      schema: {
        tags: ['replays'],
        summary: 'Send again',
        description:
          'Puts matching deliveries back to pending, in the background, in the order of acceptance; without any field, all dead letters. Receivers will see events again, under the same `webhook-id`. With `dry_run` it only counts, which the read token may do as well. With `hook` and `missing`, it makes deliveries of the events from before the hook was there. `per_second` spreads them.',
        querystring: exactly({}),
        body: ReplayRequest,
        response: { 200: DryRun, 202: BegunReplay },
      },
    },
    async (request, reply) => {
      const { dry_run: isDry, ...asked } = request.body
      const replay = askedReplay(asked)
      await requireHookOf(replay)
      if (isDry === true) return { would_replay: known(await count(replay), replay) }
      const { id, wouldReplay } = known(await begin(replay, asked.per_second), replay)
      await actions.after(request, 'replay', asked.hook ?? '*', {
        ...asked,
        replay: id,
        would_replay: wouldReplay,
      })
      return reply.code(202).send({ id, would_replay: wouldReplay })
    },
  )

  app.get(
    '/api/replays',
    {
      schema: {
        tags: ['replays'],
        summary: 'List replays',
        description: 'The newest hundred.',
        querystring: exactly({}),
        response: { 200: Replays },
      },
    },
    async () => ({ items: (await replays.listReplays(LISTED)).map(replayView) }),
  )

  app.get(
    '/api/replays/:id',
    {
      schema: {
        tags: ['replays'],
        summary: 'Show how far a replay is',
        ...replayById,
        response: { 200: Replay },
      },
    },
    async ({ params }) => replayView(found(await replays.findReplay(params.id))),
  )

  app.delete(
    '/api/replays/:id',
    {
      schema: {
        tags: ['replays'],
        summary: 'Cancel a replay',
        description: 'What it has put back stays so. Of one that has ended, nothing changes.',
        ...replayById,
        body: exactly({}),
        response: { 200: Replay },
      },
    },
    async (request) => {
      const job = found(await replays.cancelReplay(request.params.id))
      await actions.after(request, 'cancel_replay', job.id, { state: job.state, replayed: job.replayed })
      return replayView(job)
    },
  )

  app.post(
    '/api/discard',
    {
      schema: {
        tags: ['replays'],
        summary: 'Give up what a removed hook holds',
        description:
          'Each delivery that waits for a hook that is no longer configured becomes a dead letter with the code `discarded`. For a configured hook it is refused with `still_configured`.',
        querystring: exactly({}),
        body: DiscardRequest,
        response: { 200: Discarded },
      },
    },
    async (request) => {
      const { hook } = request.body
      await requireKnownHook(hook, options)
      const result = await replays.discard(hook)
      if (result.outcome === 'still_configured')
        throw new RequestRefused(
          'still_configured',
          `${hook} is configured, and gets what it has pending. Pause it, or remove it first.`,
        )
      await actions.after(request, 'discard', hook, { discarded: result.discarded })
      return { discarded: result.discarded }
    },
  )

  app.post(
    '/api/dismiss',
    {
      schema: {
        tags: ['replays'],
        summary: "Put a hook's dead letters aside",
        description:
          'They stay dead and can still be replayed, but nobody is reminded of them any more, and their events are removed with age. With `code`, only those whose last failure had it.',
        querystring: exactly({}),
        body: DismissRequest,
        response: { 200: Dismissed },
      },
    },
    async (request) => {
      const { hook, code } = request.body
      await requireKnownHook(hook, options)
      const dismissed = await replays.dismiss(hook, code)
      await actions.after(request, 'dismiss', hook, { code, dismissed })
      return { dismissed }
    },
  )

  /** What a removed hook got long ago is found only by counting it, and costs no more than the replay that was asked for. */
  async function requireHookOf(replay: AskedReplay): Promise<void> {
    const hook = replay.kind === 'missing' ? replay.hook : replay.filter.hook
    if (hook === undefined || (await isKnown(hook, options))) return
    if (replay.kind === 'missing' || (await count(replay)) === 0) throw unknownHook(hook, hooks())
  }

  function count(replay: AskedReplay): Promise<number | null> {
    return replay.kind === 'missing'
      ? replays.countMissing(replay.hook, replay.span)
      : replays.countReplay(replay.filter)
  }

  function begin(replay: AskedReplay, perSecond: number | undefined) {
    const pace = perSecond === undefined ? {} : { perSecond }
    return replay.kind === 'missing'
      ? replays.replayMissing(replay.hook, replay.span, pace)
      : replays.replay(replay.filter, pace)
  }
}

function known<T>(result: T | null, replay: AskedReplay): T {
  if (result !== null) return result
  const hook = replay.kind === 'missing' ? replay.hook : ''
  throw new RequestRefused('not_found', `No hook is configured by the name "${hook}". Nothing was done.`)
}

function found<T>(job: T | null): T {
  if (job === null) throw new RequestRefused('not_found', 'There is no replay of this id.')
  return job
}
