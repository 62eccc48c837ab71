import { ActionButton } from '../action-button.js'
import { openDismiss } from '../actions/hook-actions.js'
import { openReplayOfDead } from '../actions/replay-dialog.js'
import { hrefOf } from '../address.js'
import { html } from '../html.js'
import { countOf, countText } from '../words.js'
import { Loaded } from '../problem-note.js'
import { Mark } from '../state-mark.js'
import { Since } from '../time.js'
import { useAnswer } from '../use-answer.js'
import { discardButton, testButton } from './finding.js'

/** What is undelivered after a failure, or given up, by hook and by the code of its last failure. */
export function Failures({ query }) {
	const answer = useAnswer('/api/failures', { live: true })
	const shown = (items) => items.filter(({ hook }) => (query.hook ?? hook) === hook)
	return html`<${Loaded} answer=${answer}>${({ items }) =>
		shown(items).length === 0
			? html`<p class="empty">Nothing has failed that is not delivered by now.</p>`
			: html`<div class="cards">${shown(items).map((group) => html`<${Group} key=${`${group.hook} ${group.code}`} group=${group} onDone=${answer.reload} />`)}</div>`}<//>`
}

function Group({ group, onDone }) {
	const { hook, code, dead, pending, since, text, is_configured: isConfigured } = group
	const atLeast = group.is_complete ? '' : 'at least '
	return html`<article class="card">
		<header><h2><a href=${hrefOf(['hooks', hook])}>${hook}</a></h2> ${code && html`<code>${code}</code>`}
			<span class="grow"></span>
			${dead > 0 && html`<${Mark} kind="act" text=${`${atLeast}${countOf(dead, 'dead letter')}`} />`}
			${pending > 0 && html`<${Mark} kind="attention" text=${`${atLeast}${countText(pending)} retrying`} />`}</header>
		<p>${text} <span class="quiet">The oldest since <${Since} at=${since} />.</span></p>
		<p class="bar">
			${isConfigured && dead > 0 && html`<${ActionButton} kind="first" onClick=${() => openReplayOfDead(hook, code, onDone)}>Replay ${countOf(dead, 'dead letter')}<//>`}
			${isConfigured ? testButton(hook) : discardButton(hook, onDone)}
			${dead > 0 && html`<${ActionButton} onClick=${() => openDismiss(group, onDone)}>Put aside<//>`}
			<a href=${hrefOf(['deliveries'], { hook, code: code ?? '', state: dead > 0 ? 'dead' : 'pending' })}>Show them</a>
		</p>
	</article>`
}
