import { hrefOf } from '../address.js'
import { html } from '../html.js'
import { IdLink } from '../id-link.js'
import { useObservable } from '../observable.js'
import { Mark } from '../state-mark.js'
import { Time } from '../time.js'
import { recent } from './stream.js'

const KINDS = {
	accepted: ['wait', 'accepted'],
	delivered: ['ok', 'delivered'],
	failed: ['attention', 'failed'],
	dead: ['act', 'dead letter'],
	quarantined: ['act', 'quarantined'],
}

/** What happened since the page was opened, the newest first. */
export function Feed() {
	const items = useObservable(recent)
	if (items.length === 0) return html`<p class="empty">Nothing has happened since you opened this page.</p>`
	return html`<ol class="feed">${items.map((item) => html`<${Item} ...${item} />`)}</ol>`
}

function Item({ kind, at, id, event_type: type, hook, code }) {
	if (kind === 'gap') {
		return html`<li class="gap">There is a gap: some of what happened is missing here. The lists are complete.</li>`
	}
	const [grave, word] = KINDS[kind] ?? ['wait', kind]
	return html`<li>
		<${Time} at=${at} /> <${Mark} kind=${grave} text=${word} />
		<span>${hook && html`${kind === 'delivered' ? 'to' : 'at'} <a href=${hrefOf(['hooks', hook])}>${hook}</a> `}${type ?? ''} ${code && html`<code>${code}</code>`}</span>
		<${IdLink} view=${kind === 'quarantined' ? 'quarantine' : 'events'} id=${id} />
	</li>`
}
