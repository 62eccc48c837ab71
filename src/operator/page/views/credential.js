import { ActionButton } from '../action-button.js'
import { openReplay } from '../actions/replay-dialog.js'
import { hrefOf } from '../address.js'
import { html } from '../html.js'
import { WholeId } from '../id-link.js'
import { countOf, spanText } from '../words.js'
import { Loaded } from '../problem-note.js'
import { Mark, StateMark } from '../state-mark.js'
import { Time } from '../time.js'
import { useAnswer } from '../use-answer.js'
import { EventName } from './events.js'
import { storyOf } from './delivery-card.js'

/** Everything that happened to a credential, and which hook knows of it since when. */
export function Credential({ id }) {
	const answer = useAnswer(`/api/credentials/${encodeURIComponent(id)}`, { live: true })
	return html`<p><${WholeId} id=${id} /></p>
		<${Loaded} answer=${answer}>${(story) => html`
			<section><h2>Who knows what</h2>
				<ul class="known">${story.known_to.map((known) => html`<${Known} known=${known} events=${story.events} onDone=${answer.reload} />`)}</ul>
				${story.known_to.length === 0 && html`<p class="empty">No hook wants its events.</p>`}
			</section>
			<section><h2>What happened, in order</h2>
				${!story.is_complete && html`<p class="quiet">There are older events than these.</p>`}
				<ol class="story">${story.events.map((event) => html`<${Chapter} key=${event.webhook_id} event=${event} />`)}</ol>
			</section>`}<//>`
}

function Known({ known, events, onDone }) {
	const { hook, event_type: type, known_since: since, after_seam_ms: afterMs, missing } = known
	const lacking = events.filter(({ deliveries }) =>
		deliveries.some((one) => one.hook === hook && one.state !== 'delivered'),
	)
	const replay = () =>
		openReplay({
			title: `Send ${hook} what it has not got`,
			scope: { hook, event_ids: lacking.map((event) => event.webhook_id), states: ['dead', 'pending'] },
			onEnded: onDone,
		})
	return html`<li class=${missing > 0 ? 'act' : 'ok'}>
		<div>${
			since
				? html`<b>${type}</b> is known to <a href=${hrefOf(['hooks', hook])}>${hook}</a> since <${Time} at=${since} />${afterMs !== null && `, ${spanText(afterMs)} after Seam`}.`
				: html`<a href=${hrefOf(['hooks', hook])}>${hook}</a> knows nothing of it.`
		}</div>
		${
			missing > 0
				? html`<div><${Mark} kind="act" text=${`${countOf(missing, 'event')} not delivered`} />${lacking.length > 0 && html` <${ActionButton} onClick=${replay}>Replay<//>`}</div>`
				: html`<${Mark} kind="ok" text="up to date" />`
		}
	</li>`
}

function Chapter({ event }) {
	return html`<li>
		<div class="when"><${Time} at=${event.occurred_at} withMs /></div>
		<div><p class="headline"><a href=${hrefOf(['events', event.webhook_id])}><${EventName} event=${event} /></a></p>
			<p class="quiet">Accepted at <${Time} at=${event.accepted_at} withMs /></p>
			<ul class="plainlist">${event.deliveries.map(
				(delivery) =>
					html`<li><b>${delivery.hook}</b> <${StateMark} delivery=${delivery} /> <span>${storyOf(delivery)}${
						delivery.attempts > 1 &&
						html` <span class="quiet">${countOf(delivery.attempts, 'attempt')}.</span>`
					}</span></li>`,
			)}</ul>
		</div>
	</li>`
}
