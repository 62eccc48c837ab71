import type { HookPause } from '../../store/records.ts'
import type { ActionLog } from '../action-log.ts'
import type { OperatorApp } from '../operator-app.ts'
import { RequestRefused } from '../request-refused.ts'
import type { OperatorApiOptions } from './options.ts'
import { HookTest, Hooks, PauseRequest, Resumed } from './shapes/action.ts'
import { HookName, exactly } from './shapes/fields.ts'
import { Pause } from './shapes/overview.ts'
import { timeText } from './times.ts'

const hookByName = { params: exactly({ name: HookName }), querystring: exactly({}) }

export function hookRoutes(
  app: OperatorApp,
  {
    overview,
    pauses,
    reader,
    hooks,
    testHook,
  }: Pick<OperatorApiOptions, 'overview' | 'pauses' | 'reader' | 'hooks' | 'testHook'>,
  actions: ActionLog,
): void {
  app.get(
    '/api/hooks',
    {
      schema: {
        tags: ['hooks'],
        summary: 'List hooks with their health',
        description:
          'The configured ones first, then those that are no longer configured and still hold deliveries.',
        querystring: exactly({}),
        response: { 200: Hooks },
      },
    },
    async () => {
      const [{ hooks: shown }, pauses] = await Promise.all([overview(), reader.pauses()])
      // The overview may be a second old, and a person who has just paused a hook looks at once.
      const paused = new Map(pauses.map((pause) => [pause.hook, pauseView(pause)]))
      return { items: shown.map((one) => ({ ...one, pause: paused.get(one.hook) ?? null })) }
    },
  )

  app.post(
    '/api/hooks/:name/pause',
    {
      schema: {
        tags: ['hooks'],
        summary: 'Pause a hook',
        description:
          'Nothing further is sent to it, by any replica, across restarts, until it is resumed. What comes meanwhile waits. Paused already: the first pause stays.',
        ...hookByName,
        body: PauseRequest,
        response: { 200: Pause },
      },
    },
    async (request) => {
      const { name } = request.params
      requireConfigured(name)
      const reason = request.body.reason.trim()
      const pausedBy = request.caller?.actor ?? 'loopback'
      const pause = await pauses.pauseHook({ hook: name, pausedBy, reason })
      await actions.after(request, 'pause_hook', name, { reason })
      return pauseView(pause)
    },
  )

  app.post(
    '/api/hooks/:name/resume',
    {
      schema: {
        tags: ['hooks'],
        summary: 'Resume a hook',
        description: '`resumed` is false where it was not paused.',
        ...hookByName,
        body: exactly({}),
        response: { 200: Resumed },
      },
    },
    async (request) => {
      // One that was removed from the configuration while it was paused can be resumed as well.
      const { name } = request.params
      const resumed = await pauses.resumeHook(name)
      if (!resumed) requireConfigured(name)
      await actions.after(request, 'resume_hook', name, { resumed })
      return { resumed }
    },
  )

  app.post(
    '/api/hooks/:name/test',
    {
      schema: {
        tags: ['hooks'],
        summary: 'Send a signed sample to a hook',
        description:
          'To that hook alone, once, now; nothing of it is stored. Answers what the hook answered.',
        ...hookByName,
        body: exactly({}),
        response: { 200: HookTest },
      },
    },
    async (request) => {
      const { name } = request.params
      const result = await testHook(name)
      if (result === null) throw unknown(name)
      const { delivered, status, code } = result
      await actions.after(request, 'test_hook', name, { delivered, status, code })
      return result
    },
  )

  function requireConfigured(name: string): void {
    if (!hooks().some((hook) => hook.name === name)) throw unknown(name)
  }
}

function pauseView({ pausedAt, pausedBy, reason }: HookPause) {
  return { paused_at: timeText(pausedAt), paused_by: pausedBy, reason }
}

function unknown(name: string): RequestRefused {
  return new RequestRefused('not_found', `No hook is configured by the name "${name}". Nothing was done.`)
}
