import { createActionLog } from '../action-log.ts'
import type { OperatorApp } from '../operator-app.ts'
import { actionRoutes } from './actions.ts'
import { countRoutes } from './counts.ts'
import { credentialRoutes } from './credentials.ts'
import { deliveryRoutes } from './deliveries.ts'
import { eventRoutes } from './events.ts'
import { hookRoutes } from './hooks.ts'
import type { OperatorApiOptions } from './options.ts'
import { overviewRoutes } from './overview.ts'
import { quarantineRoutes } from './quarantine.ts'
import { reconcileRoutes } from './reconcile.ts'
import { refusalRoutes } from './refusals.ts'
import { replayRoutes } from './replays.ts'
import { searchRoutes } from './search.ts'
import { streamRoutes } from './stream.ts'

/** All calls under `/api`, in the order in which the OpenAPI document lists them. */
export function operatorApi(app: OperatorApp, options: OperatorApiOptions): void {
  const actions = createActionLog(options.store, options.log)
  overviewRoutes(app, options)
  countRoutes(app, options)
  streamRoutes(app, options)
  eventRoutes(app, options, actions)
  credentialRoutes(app, options)
  searchRoutes(app, options)
  deliveryRoutes(app, options)
  replayRoutes(app, options, actions)
  hookRoutes(app, options, actions)
  quarantineRoutes(app, options, actions)
  refusalRoutes(app, options)
  actionRoutes(app, options)
  reconcileRoutes(app, options, actions)
}
