import { html } from './html.js'

/** Each state of a delivery: its word, and how grave it is. Told apart by shape and word, not by colour alone. */
const STATES = {
	delivered: ['delivered', 'ok'],
	pending: ['waiting', 'wait'],
	leased: ['being sent', 'wait'],
	dead: ['dead letter', 'act'],
}

/** For a filter: each state with its word. */
export const stateChoices = Object.entries(STATES).map(([state, [word]]) => [state, word])

export function StateMark({ delivery }) {
	const { state, code } = delivery
	const [word, grave] = STATES[state] ?? [state, 'wait']
	const isRetried = state !== 'delivered' && state !== 'dead' && code !== null && code !== undefined
	return html`<${Mark} kind=${isRetried ? 'attention' : grave} text=${isRetried ? 'retrying' : word} />`
}

/** `kind`: ok, wait, attention or act. */
export function Mark({ kind, text }) {
	return html`<span class=${`mark ${kind}`}>${text}</span>`
}

/** A delivery in a row of an event: the hook and how far it is. */
export function DeliveryChip({ delivery }) {
	return html`<span class="chip"><b>${delivery.hook}</b> <${StateMark} delivery=${delivery} />${
		delivery.code && delivery.state !== 'delivered' ? html` <code>${delivery.code}</code>` : null
	}</span>`
}
