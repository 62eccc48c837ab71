import { html } from '../html.js'
import { List } from '../list.js'
import { useObservable } from '../observable.js'
import { overview } from '../session.js'
import { StateMark, stateChoices } from '../state-mark.js'
import { Time } from '../time.js'

const COLUMNS = [
	{ label: 'Accepted', at: 'accepted_at' },
	{ label: 'Event', kind: 'main', cell: (row) => row.event_type },
	{ label: 'Id', id: 'webhook_id', view: 'events' },
	{ label: 'About', id: 'credential_id', view: 'credentials' },
	{ label: 'Hook', cell: (row) => row.hook },
	{ label: 'State', cell: (row) => html`<${StateMark} delivery=${row} />` },
	{ label: 'Attempts', kind: 'number', cell: (row) => row.attempts },
	{ label: 'Last failure', code: 'code' },
	{ label: 'Settled, or next', cell: (row) => html`<${Time} at=${row.settled_at ?? row.due_at} />` },
]

export function Deliveries({ query }) {
	const hooks = useObservable(overview)?.hooks ?? []
	const fields = [
		{ name: 'state', label: 'State', options: [['', 'all'], ...stateChoices] },
		{ name: 'hook', label: 'Hook', options: [['', 'all'], ...hooks.map(({ hook }) => [hook, hook])] },
		{ name: 'code', label: 'Code of the last failure' },
	]
	return html`<${List} place="deliveries" query=${query} fields=${fields} caption="Deliveries, newest first"
		columns=${COLUMNS} keyOf=${(row) => `${row.webhook_id} ${row.hook}`} empty="No delivery matches." />`
}
