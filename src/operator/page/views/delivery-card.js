import { ActionButton } from '../action-button.js'
import { openReplay } from '../actions/replay-dialog.js'
import { hrefOf } from '../address.js'
import { html } from '../html.js'
import { countOf, spanText } from '../words.js'
import { StateMark } from '../state-mark.js'
import { Table } from '../table.js'
import { Since, Time } from '../time.js'

const COLUMNS = [
	{ label: 'Attempt', kind: 'number', cell: ({ attempt }) => attempt },
	{ label: 'Began', kind: 'main', cell: (record) => html`<${Time} at=${record.started_at} withMs />` },
	{ label: 'Took', kind: 'number', cell: (record) => spanText(record.duration_ms) },
	{ label: 'Status', kind: 'number', cell: ({ status }) => status ?? '–' },
	{
		label: 'Code',
		cell: ({ code, status }) => (code ? html`<code>${code}</code>` : status ? 'delivered' : '–'),
	},
	{ label: 'Answer', cell: ({ answer }) => (answer ? html`<code class="answer">${answer}</code>` : '–') },
]

/** What became of an event at one hook, with every attempt that is kept. */
export function DeliveryCard({ delivery, eventId, onDone }) {
	const { hook, state, records, attempts, replays } = delivery
	const sendAgain = () =>
		openReplay({
			title: `Send this event to ${hook} again`,
			scope: { hook, event_ids: [eventId], states: ['dead', 'delivered', 'pending'] },
			onEnded: onDone,
		})
	return html`<article class="card">
		<header><h3><a href=${hrefOf(['hooks', hook])}>${hook}</a></h3> <${StateMark} delivery=${delivery} />
			<span class="grow"></span><${ActionButton} onClick=${sendAgain}>${state === 'dead' ? 'Replay' : 'Send again'}<//></header>
		<p>${storyOf(delivery)}${replays > 0 && ` Replayed ${countOf(replays, 'time')}.`}</p>
		${attempts > records.length && html`<p class="quiet">${countOf(attempts, 'attempt')} in all; the last ${records.length} are kept.</p>`}
		<${Table} caption=${`Attempts at ${hook}`} columns=${COLUMNS} rows=${records} keyOf=${(record) => `${record.attempt} ${record.started_at}`} empty="Nothing has been sent yet." />
	</article>`
}

/** How far a delivery is, in a sentence. */
export function storyOf({
	state,
	code,
	settled_at: settledAt,
	due_at: dueAt,
	failing_since: failingSince,
	delivered_after_ms: afterMs,
}) {
	const because = code && html`, last failure <code>${code}</code>`
	switch (state) {
		case 'delivered':
			return html`Delivered at <${Time} at=${settledAt} withMs />${afterMs !== null && afterMs !== undefined && `, ${spanText(afterMs)} after it was accepted`}.`
		case 'dead':
			if (code === 'discarded')
				return html`A dead letter since <${Time} at=${settledAt} />, put aside: it is removed with age, unless you replay it.`
			return html`A dead letter since <${Time} at=${settledAt} />${because}. It stays here until you replay it.`
		case 'leased':
			return html`It is being sent now${because}.`
		default:
			return failingSince
				? html`Failing since <${Since} at=${failingSince} />${because}. ${next(dueAt)}`
				: html`Waiting. ${next(dueAt)}`
	}
}

function next(dueAt) {
	return dueAt
		? html`Next attempt from <${Time} at=${dueAt} />.`
		: 'It comes after an earlier event of the same credential.'
}
