import { ActionButton } from '../action-button.js'
import { openReconcile } from '../actions/reconcile-dialog.js'
import { html } from '../html.js'
import { useObservable } from '../observable.js'
import { overview } from '../session.js'
import { Time } from '../time.js'
import { countOf, countText } from '../words.js'

/** How far Seam's own list confirms that nothing is missing. */
export function Reconciliation() {
	const reconciliation = useObservable(overview)?.reconciliation ?? null
	if (reconciliation === null)
		return html`<p class="empty">Seam is not asked for missed events: SEAM_API_KEY is not set.</p>`
	return html`<div class="cards">${reconciliation.workspaces.map(
		(one) => html`<div class="card"><p><code class="id whole">${one.workspace_id}</code></p>
			<p>${one.confirmed_until ? html`Complete up to <${Time} at=${one.confirmed_until} />` : 'Not confirmed yet'}: ${countOf(one.checked, 'event')} checked, ${countText(one.missed)} missed, ${countText(one.recovered)} taken in.</p>
			${one.failing && html`<p class="note act">Not confirmed since <${Time} at=${one.failing.since} />: ${one.failing.text} <code>${one.failing.code}</code></p>`}
			${one.gaps.map((gap) => html`<p class="note attention">From <${Time} at=${gap.since} /> to <${Time} at=${gap.until} />: ${gap.text} <${ActionButton} onClick=${() => openReconcile(gap)}>Ask Seam<//></p>`)}</div>`,
	)}</div>
	<p><${ActionButton} onClick=${() => openReconcile()}>Ask Seam<//></p>`
}
