import { useState } from 'preact/hooks'
import { ActionButton } from '../action-button.js'
import { hrefOf } from '../address.js'
import { post, remove } from '../api.js'
import { Body } from '../body.js'
import { openAsk } from '../dialog.js'
import { html } from '../html.js'
import { WholeId } from '../id-link.js'
import { List } from '../list.js'
import { Loaded, ProblemNote } from '../problem-note.js'
import { loadOverview } from '../session.js'
import { Time } from '../time.js'
import { useAnswer } from '../use-answer.js'
import { countOf, shortId } from '../words.js'

const COLUMNS = [
	{ label: 'Received', at: 'received_at' },
	{ label: 'Body', kind: 'main', id: 'id', view: 'quarantine' },
	{ label: 'What is wrong', cell: ({ problems }) => html`<${Problems} problems=${problems.slice(0, 3)} />` },
	{ label: 'Came', cell: (row) => countOf(row.times_seen, 'time') },
	{
		label: 'Message',
		cell: (row) => html`<code class="id" title=${row.message_id}>${shortId(row.message_id)}</code>`,
	},
]

/** Bodies that Seam signed and that could not be taken in. */
export function Quarantine({ query }) {
	return html`<p class="quiet">Seam signed these bodies, so they are kept; but they fit no known form, or came a second time with other content. None is delivered until somebody judges it.</p>
		<${List} place="quarantine" query=${query} caption="Quarantined bodies, newest first" columns=${COLUMNS} keyOf=${(row) => row.id} empty="Nothing is in quarantine." />`
}

/** One quarantined body, with what is wrong beside it. */
export function Quarantined({ id }) {
	const [judged, setJudged] = useState(null)
	const [problem, setProblem] = useState(null)
	const reveal = useState(false)
	const path = `/api/quarantine/${encodeURIComponent(id)}`
	const isGone = judged !== null && judged.status !== 'quarantined'
	const answer = useAnswer(isGone ? null : `${path}${reveal[0] ? '?reveal=true' : ''}`)
	const judge = async () => {
		setProblem(null)
		await post(`${path}/retry`).then(setJudged, setProblem)
		void loadOverview()
	}
	return html`<p><${WholeId} id=${id} /></p>
		<div role="status">${judged && html`<${Verdict} judged=${judged} />`}</div><${ProblemNote} problem=${problem} />
		${
			isGone
				? html`<p><a href="#/quarantine">Back to the quarantine</a></p>`
				: html`<${Loaded} answer=${answer}>${(body) => html`
			<p class="quiet">Received at <${Time} at=${body.received_at} />${body.times_seen > 1 && html`, ${countOf(body.times_seen, 'time')}, last at <${Time} at=${body.last_seen_at} />`}. Message <${WholeId} id=${body.message_id} /></p>
			<p class="bar"><${ActionButton} kind="first" onClick=${judge}>Judge again<//><${ActionButton} onClick=${() => openDrop(path)}>Drop<//>
				<span class="quiet">It is judged by today's schemas and settings. If it fits, it is accepted and delivered.</span></p>
			<div class="beside">
				<section><h2>What is wrong</h2><${Problems} problems=${judged?.problems ?? body.problems} /></section>
				<section><h2>Body</h2>
					${!body.is_utf8 && html`<p class="note attention">The body is not valid UTF-8. What cannot be shown stands as �.</p>`}
					<${Body} label="Body" text=${indented(body.body)} masked=${body.masked} reveal=${reveal} />
				</section>
			</div>`}<//>`
		}`
}

function Problems({ problems }) {
	return html`<ul class="plainlist">${problems.map(({ path, message }) => html`<li><code>${path || '/'}</code> ${message}</li>`)}</ul>`
}

const VERDICTS = {
	accepted: 'It fits: it is accepted, and on its way to the hooks.',
	duplicate: 'It was accepted before. It is out of quarantine, and nothing is sent again.',
	ignored: 'It is of a type that is not taken in. It is out of quarantine.',
}

function Verdict({ judged: { status, event_id: eventId } }) {
	if (status === 'quarantined')
		return html`<p class="note attention">It still does not fit, so it stays in quarantine.</p>`
	return html`<p class="note ok">${VERDICTS[status]} ${eventId && html`<a href=${hrefOf(['events', eventId])}>Show the event</a>`}</p>`
}

/** Deletes a quarantined body for good. */
function openDrop(path) {
	openAsk({
		title: 'Drop this body',
		text: () =>
			'The body is deleted and cannot be brought back. Seam was told that it is held, so Seam does not send it again.',
		button: 'Drop it',
		kind: 'danger',
		run: () => remove(path).then(() => void (location.hash = '#/quarantine')),
	})
}

/** JSON with line breaks; anything else as it is. */
function indented(text) {
	try {
		return JSON.stringify(JSON.parse(text), null, 2)
	} catch {
		return text
	}
}
