import { Charts } from '../charts/charts.js'
import { hrefOf } from '../address.js'
import { Feed } from '../live/feed.js'
import { html } from '../html.js'
import { countText, spanText } from '../words.js'
import { useObservable } from '../observable.js'
import { overview } from '../session.js'
import { Table } from '../table.js'
import { Since } from '../time.js'
import { Finding } from './finding.js'
import { HookMark } from './hooks.js'

const VERDICTS = { ok: 'All is well', attention: 'Look at this', act: 'Act now' }

const HOOK_COLUMNS = [
	{ label: 'Hook', kind: 'main', cell: ({ hook }) => html`<a href=${hrefOf(['hooks', hook])}>${hook}</a>` },
	{ label: 'State', cell: (health) => html`<${HookMark} health=${health} />` },
	{ label: 'Waiting', kind: 'number', cell: ({ pending }) => countText(pending) },
	{
		label: 'Oldest waits',
		kind: 'number',
		cell: (row) => (row.pending > 0 ? spanText(row.oldest_pending_age_ms) : '–'),
	},
	{ label: 'Dead letters', kind: 'number', cell: ({ dead }) => countText(dead) },
	{ label: 'Delivered, last hour', kind: 'number', cell: (row) => countText(row.delivered_last_hour) },
	{ label: 'Failed, last hour', kind: 'number', cell: (row) => countText(row.failed_last_hour) },
]

// They draw themselves, so they are kept when the overview is drawn anew.
const CHARTS = html`<${Charts} />`
const FEED = html`<${Feed} />`

/** Is anything lost or late, why, and what must I do? */
export function Overview() {
	const answer = useObservable(overview)
	const { verdict = 'ok', sentence = '', findings = [], hooks = [] } = answer ?? {}
	return html`<div class=${`sentence ${verdict}`}>
			<p class="verdict">${VERDICTS[verdict]}</p>
			<p class="says" aria-live="polite">${sentence}</p>
			${answer && html`<${Webhooks} answer=${answer} />`}
		</div>
		${
			findings.length > 0 &&
			html`<section aria-label="Findings"><ol class="findings">${findings.map(
				(finding) =>
					html`<${Finding} key=${`${finding.kind} ${finding.hook ?? ''} ${finding.code ?? ''}`} finding=${finding} />`,
			)}</ol></section>`
		}
		${CHARTS}
		<div class="two">
			<section><h2>Hooks</h2><${Table} caption="Hooks" columns=${HOOK_COLUMNS} rows=${hooks} keyOf=${({ hook }) => hook} empty="No hook is configured. They are named in HOOKS or HOOKS_FILE." /></section>
			<section><h2>Just now</h2>${FEED}</section>
		</div>
		${answer && html`<p class="quiet foot">seam-relay ${answer.version}</p>`}`
}

function Webhooks({ answer: { webhooks, quarantine, reconciliation } }) {
	const { last_at: lastAt, accepted_last_hour: count, usual_per_hour: usual } = webhooks
	return html`<p class="quiet">${lastAt ? html`Last webhook <${Since} at=${lastAt} />` : 'No webhook has come yet'} · ${countText(count)} accepted in the last hour${
		usual !== null && ` (usual: ${countText(Math.round(usual))})`
	}${reconciliation && html` · <a href="#/reconciliation">${confirmedText(reconciliation.workspaces)}</a>`}${quarantine.open > 0 && html` · <a href="#/quarantine">${countText(quarantine.open)} in quarantine</a>`}</p>`
}

function confirmedText(workspaces) {
	if (workspaces.some(({ failing, gaps }) => failing !== null || gaps.length > 0))
		return 'not confirmed by Seam'
	const isAsked = workspaces.length > 0 && workspaces.every((one) => one.confirmed_until)
	return isAsked ? 'confirmed by Seam' : 'not yet confirmed by Seam'
}
