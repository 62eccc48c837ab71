import { html } from '../html.js'
import { List } from '../list.js'
import { countOf } from '../words.js'

const COLUMNS = [
	{ label: 'At', at: 'at' },
	{ label: 'Code', kind: 'main', code: 'code' },
	{ label: 'From', code: 'address' },
	{ label: 'Likely cause', cell: (row) => row.text },
]

/** Requests to the webhook route that were refused. */
export function Refusals() {
	const above = ({ data, reload }) =>
		html`<p class="bar"><span class="quiet">${countOf(data?.total ?? 0, 'request was', 'requests were')} refused since this process started. The newest 200 stand here; nothing of their bodies is kept.</span> <button type="button" onClick=${reload}>Look again</button></p>`
	return html`<${List} place="refusals" above=${above} caption="Refused requests, newest first" columns=${COLUMNS} keyOf=${(row) => row} empty="Nothing was refused." />`
}
