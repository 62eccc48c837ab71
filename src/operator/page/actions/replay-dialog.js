import { useEffect, useState } from 'preact/hooks'
import { hrefOf } from '../address.js'
import { post } from '../api.js'
import { openDialog } from '../dialog.js'
import { html } from '../html.js'
import { ProblemNote } from '../problem-note.js'
import { fromField, zone } from '../time.js'
import { countOf } from '../words.js'
import { ReplayProgress } from './replay-progress.js'

/** Between the last key in a field and the next count. */
const COUNT_AFTER_MS = 250

/**
 * Opens the dialog that counts first, warns, and then replays. `scope` is the request; `mayChooseStates`: what waits may
 * be sent now, too; `mayChooseSpan`: asks for a span.
 */
export function openReplay({ title, onEnded, ...about }) {
	openDialog(title, ({ close }) => {
		const [id, setId] = useState(null)
		if (id === null) return html`<${Ask} ...${about} onBegun=${setId} close=${close} />`
		return html`<${ReplayProgress} id=${id} onEnded=${onEnded} />
			<footer><a href=${hrefOf(['replays', id])} onClick=${close}>Its page</a> <button type="button" class="first" onClick=${close}>Close</button></footer>`
	})
}

/** The dead letters of a hook, or those of one code: `null` is those without any. */
export function openReplayOfDead(hook, code, onEnded) {
	const scope = { hook, ...(code !== undefined && { code }), states: ['dead'] }
	openReplay({ title: `Replay the dead letters of ${hook}`, scope, mayChooseStates: true, onEnded })
}

function Ask({ scope, mayChooseStates, mayChooseSpan, onBegun, close }) {
	const [request, setRequest] = useState(scope)
	const [count, setCount] = useState(null)
	const [problem, setProblem] = useState(null)
	const ask = (body, andThen, signal) => {
		setProblem(null)
		const fail = (error) => signal?.aborted || setProblem(error)
		return post('/api/replay', body, signal).then(andThen, fail)
	}
	useEffect(() => {
		// A count may take the store a while: the one before is not only not shown, but ended.
		const abort = new AbortController()
		setCount(null)
		const show = ({ would_replay: number }) => setCount(number)
		const timer = setTimeout(
			() => void ask({ ...request, dry_run: true }, show, abort.signal),
			request === scope ? 0 : COUNT_AFTER_MS,
		)
		return () => {
			clearTimeout(timer)
			abort.abort()
		}
	}, [request])
	const begin = (event) => {
		event.preventDefault()
		void ask(request, ({ id }) => onBegun(id))
	}
	const receiver = scope.hook ?? 'Each hook'
	const what = countOf(count ?? 0, 'delivery', 'deliveries')
	return html`<form onSubmit=${begin} onInput=${(event) => setRequest(requestOf(scope, new FormData(event.currentTarget)))}>
		<p class="large" role="status">${count === null ? 'Counting …' : count === 0 ? 'Nothing matches.' : `${what} will be sent.`}</p>
		<p>${
			scope.missing
				? `${receiver} gets the events from before it was configured, as its filters want them.`
				: `${receiver} will see these events again, each with the same webhook-id as before. A receiver that remembers the ids it has handled ignores what it already has.`
		}</p>
		${mayChooseStates && html`<label class="check"><input type="checkbox" name="waiting" /> Also send now what waits for its next attempt</label>`}
		${mayChooseSpan && html`<div class="fields"><label>Accepted since<input type="datetime-local" step="1" name="since" /></label><label>Accepted before<input type="datetime-local" step="1" name="until" /></label></div>`}
		<label>At most so many a second <span class="quiet">(empty: as fast as the hook's settings allow)</span><input type="number" min="1" max="100000" step="1" name="pace" /></label>
		<${ProblemNote} problem=${problem} />
		<footer><button type="button" onClick=${close}>Cancel</button>
			<button type="submit" class="first" disabled=${!count}>${count ? `Replay ${what}` : 'Replay'}</button></footer>
	</form>`
}

function requestOf(scope, form) {
	const at = (name) => fromField(form.get(name) ?? '', zone.get())
	return {
		...scope,
		...(form.has('waiting') ? { states: [...scope.states, 'pending'] } : {}),
		...(at('since') ? { since: at('since') } : {}),
		...(at('until') ? { until: at('until') } : {}),
		...(form.get('pace') >= 1 ? { per_second: Math.floor(form.get('pace')) } : {}),
	}
}
