import { html } from '../html.js'
import { Actions } from './actions.js'
import { Credential } from './credential.js'
import { Deliveries } from './deliveries.js'
import { Event } from './event.js'
import { Events } from './events.js'
import { Failures } from './failures.js'
import { Hooks } from './hooks.js'
import { Overview } from './overview.js'
import { Quarantine, Quarantined } from './quarantine.js'
import { Reconciliation } from './reconciliation.js'
import { Refusals } from './refusals.js'
import { Replay, Replays } from './replays.js'
import { SearchResults } from './search-results.js'

/** Each view by the first part of its address; with `/ID` behind it where the address goes on. */
const VIEWS = {
	'': ['Overview', Overview],
	events: ['Events', Events],
	'events/ID': ['Event', Event],
	'credentials/ID': ['Story of a credential', Credential],
	deliveries: ['Deliveries', Deliveries],
	failures: ['Failures', Failures],
	hooks: ['Hooks', Hooks],
	'hooks/ID': ['Hook', Hooks],
	quarantine: ['Quarantine', Quarantine],
	'quarantine/ID': ['Quarantined body', Quarantined],
	refusals: ['Refusals', Refusals],
	replays: ['Replays', Replays],
	'replays/ID': ['Replay', Replay],
	actions: ['Actions', Actions],
	reconciliation: ['Confirmed by Seam', Reconciliation],
	search: ['Search', SearchResults],
}

export function viewOf([place = '', id, ...rest]) {
	const key = id === undefined ? place : `${place}/ID`
	const [title, view] = rest.length === 0 && Object.hasOwn(VIEWS, key) ? VIEWS[key] : ['Not here', NotHere]
	return { title, view, id }
}

function NotHere() {
	return html`<p>There is no such view. <a href="#/">To the overview</a></p>`
}
