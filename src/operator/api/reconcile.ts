import { ReconcileError } from '../../reconcile/reconciliation.ts'
import type { ActionLog } from '../action-log.ts'
import type { OperatorApp } from '../operator-app.ts'
import { RequestRefused } from '../request-refused.ts'
import type { OperatorApiOptions } from './options.ts'
import { ReconcileRequest, Reconciled } from './shapes/action.ts'
import { exactly } from './shapes/fields.ts'
import { spanOf, timeOf } from './times.ts'

export function reconcileRoutes(
  app: OperatorApp,
  { reconcile }: Pick<OperatorApiOptions, 'reconcile'>,
  actions: ActionLog,
): void {
  app.post(
    '/api/reconcile',
    {
      schema: {
        tags: ['reconciliation'],
        summary: 'Compare a span with Seam now',
        description:
          'Asks Seam which events there were, and takes in those whose webhook never came. With `dry_run` it only counts them. Without SEAM_API_KEY it is refused with `reconciliation_off`.',
        querystring: exactly({}),
        body: ReconcileRequest,
        response: { 200: Reconciled },
      },
    },
    async (request) => {
      if (reconcile === null)
        throw new RequestRefused('reconciliation_off', 'Set SEAM_API_KEY, so that seam-relay can ask Seam.')
      const { dry_run: dryRun = false, ...span } = request.body
      const since = timeOf('since', span.since)
      const { until } = spanOf(span)
      const result = await reconcile({ since, dryRun, ...(until === undefined ? {} : { until }) }).catch(
        refuse,
      )
      if (!dryRun) await actions.after(request, 'reconcile', '*', { ...span, ...result })
      return result
    },
  )
}

/** What Seam's API would not do goes to the caller in plain words. */
function refuse(error: unknown): never {
  if (!(error instanceof ReconcileError)) throw error
  throw new RequestRefused(
    error.code === 'span_too_old' ? 'request_invalid' : 'reconciliation_failed',
    error.message,
  )
}
