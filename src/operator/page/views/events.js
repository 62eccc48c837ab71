import { useState } from 'preact/hooks'
import { html } from '../html.js'
import { List } from '../list.js'
import { DeliveryChip } from '../state-mark.js'

const FIELDS = [
	{ name: 'type', label: 'Type' },
	{ name: 'credential', label: 'Credential' },
	{ name: 'workspace', label: 'Workspace' },
	{ name: 'since', label: 'Accepted since', isTime: true },
	{ name: 'until', label: 'Accepted before', isTime: true },
]

const COLUMNS = [
	{ label: 'Accepted', at: 'accepted_at' },
	{ label: 'Event', kind: 'main', cell: (event) => html`<${EventName} event=${event} />` },
	{ label: 'Id', id: 'webhook_id', view: 'events' },
	{ label: 'About', id: 'credential_id', view: 'credentials' },
	{ label: 'Deliveries', cell: ({ deliveries }) => chips(deliveries) },
]

/** The newest events. The first page follows what happens, until it is told to stand still. */
export function Events({ query }) {
	const [isStill, setStill] = useState(false)
	const turn = (answer) => {
		setStill(!isStill)
		if (isStill) void answer.reload()
	}
	const above = (
		answer,
	) => html`<p class="bar"><button type="button" aria-pressed=${isStill} onClick=${() => turn(answer)}>${isStill ? 'Follow again' : 'Stand still'}</button>
		<span class="quiet" role="status">${isStill ? 'The list stands still. Events are accepted and sent as ever.' : 'The list follows what is accepted and delivered.'}</span></p>`
	return html`<${List} place="events" query=${query} fields=${FIELDS} isStill=${isStill} above=${query.cursor ? null : above}
		caption="Events, newest first" columns=${COLUMNS} keyOf=${(event) => event.webhook_id} empty="No event matches." />`
}

export function EventName({ event }) {
	return html`${event.event_type}${event.is_sample && html` <span class="tag">sample</span>`}${
		event.source === 'reconciliation' &&
		html` <span class="tag" title="Its webhook did not come. It was found by asking Seam.">recovered</span>`
	}${event.duplicates > 0 && html` <span class="quiet" title="How often the same came again">+${event.duplicates}</span>`}`
}

function chips(deliveries) {
	if (deliveries.length === 0) return 'No hook wants it'
	return html`<span class="chips">${deliveries.map((delivery) => html`<${DeliveryChip} delivery=${delivery} />`)}</span>`
}
