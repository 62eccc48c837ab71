import { useState } from 'preact/hooks'
import { hrefOf } from '../address.js'
import { Body } from '../body.js'
import { html } from '../html.js'
import { WholeId } from '../id-link.js'
import { Loaded } from '../problem-note.js'
import { Time } from '../time.js'
import { useAnswer } from '../use-answer.js'
import { countOf, spanText } from '../words.js'
import { DeliveryCard } from './delivery-card.js'
import { EventName } from './events.js'

/** One event: what Seam sent, and what became of it at each hook. */
export function Event({ id }) {
	const reveal = useState(false)
	// Each look at a PIN is written down, so a revealed event is not loaded again by itself.
	const answer = useAnswer(`/api/events/${encodeURIComponent(id)}${reveal[0] ? '?reveal=true' : ''}`, {
		live: !reveal[0],
	})
	return html`<${Loaded} answer=${answer}>${(event) => html`
		<p class="headline"><${EventName} event=${event} /></p>
		<dl class="facts">${factsOf(event).map(([name, value]) => value && html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
		<section><h2>Deliveries</h2>
			${event.deliveries.length === 0 && html`<p class="empty">No hook wanted this event when it was accepted.</p>`}
			<div class="cards">${event.deliveries.map((delivery) => html`<${DeliveryCard} key=${delivery.hook} delivery=${delivery} eventId=${event.webhook_id} onDone=${answer.reload} />`)}</div>
		</section>
		<section><h2>Payload</h2>
			<${Body} label="Payload" text=${JSON.stringify(event.payload, null, 2)} masked=${event.masked} reveal=${reveal} />
		</section>`}<//>`
}

function factsOf(event) {
	const {
		event_id: id,
		webhook_id: webhookId,
		credential_id: about,
		workspace_id: workspace,
		duplicates,
		source,
	} = event
	const afterMs = Date.parse(event.accepted_at) - Date.parse(event.occurred_at)
	return [
		['Event', html`<${WholeId} id=${id} />`],
		['webhook-id', webhookId !== id && html`<${WholeId} id=${webhookId} />`],
		['About', about && html`<a class="id" href=${hrefOf(['credentials', about])}>${about}</a>`],
		['Occurred', html`<${Time} at=${event.occurred_at} withMs />`],
		[
			'Accepted',
			html`<${Time} at=${event.accepted_at} withMs /> <span class="quiet">${afterMs >= 0 && `${spanText(afterMs)} after Seam`}</span>`,
		],
		['Came by', source === 'reconciliation' ? 'asking Seam: its webhook did not come' : 'webhook'],
		['Came again', duplicates > 0 && countOf(duplicates, 'time')],
		['Workspace', html`<a class="id" href=${hrefOf(['events'], { workspace })}>${workspace}</a>`],
		['System', event.system_id && html`<${WholeId} id=${event.system_id} />`],
		['Account', event.account_id && html`<${WholeId} id=${event.account_id} />`],
		['Message', html`<${WholeId} id=${event.message_id} />`],
	]
}
