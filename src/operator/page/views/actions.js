import { html } from '../html.js'
import { List } from '../list.js'
import { Pairs } from '../pairs.js'

const COLUMNS = [
	{ label: 'At', at: 'at' },
	{ label: 'With', cell: (row) => row.actor },
	{ label: 'Did', kind: 'main', cell: (row) => row.action },
	{ label: 'To', code: 'target' },
	{ label: 'More', cell: ({ about }) => html`<${Pairs} pairs=${about} />` },
]

/** What people did here. */
export function Actions({ query }) {
	return html`<${List} place="actions" query=${query} caption="Actions, newest first" columns=${COLUMNS} keyOf=${(row) => row.number} empty="Nobody has changed anything yet." />`
}
