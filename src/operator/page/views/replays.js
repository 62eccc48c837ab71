import { ReplayMark, ReplayProgress } from '../actions/replay-progress.js'
import { html } from '../html.js'
import { WholeId } from '../id-link.js'
import { List } from '../list.js'
import { Pairs } from '../pairs.js'
import { countText } from '../words.js'

const COLUMNS = [
	{ label: 'Begun', at: 'created_at' },
	{ label: 'Replay', kind: 'main', id: 'id', view: 'replays' },
	{ label: 'What', cell: (row) => html`<${Pairs} pairs=${row.scope} empty="every dead letter" />` },
	{ label: 'State', cell: (row) => html`<${ReplayMark} state=${row.state} />` },
	{
		label: 'Put back',
		kind: 'number',
		cell: (row) => `${countText(row.replayed)} of ${countText(row.would_replay)}`,
	},
	{ label: 'Ended', at: 'ended_at' },
]

export function Replays() {
	return html`<p class="quiet">A replay sends deliveries again. It begins with a button at a failure, a hook or an event.</p>
		<${List} place="replays" caption="Replays, newest first" columns=${COLUMNS} keyOf=${(row) => row.id} empty="Nothing has been replayed." />`
}

/** One replay: what it was to do and how far it is. */
export function Replay({ id }) {
	return html`<p><${WholeId} id=${id} /></p><${ReplayProgress} id=${id} />`
}
