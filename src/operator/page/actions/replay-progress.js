import { useEffect, useState } from 'preact/hooks'
import { ActionButton } from '../action-button.js'
import { get, remove } from '../api.js'
import { html } from '../html.js'
import { countOf, countText } from '../words.js'
import { ProblemNote } from '../problem-note.js'
import { Time } from '../time.js'
import { Mark } from '../state-mark.js'
import { Pairs } from '../pairs.js'

const POLL_MS = 700

/** How far a replay is, until it has ended. */
export function ReplayProgress({ id, onEnded }) {
	const [job, setJob] = useState(null)
	const [problem, setProblem] = useState(null)
	const path = `/api/replays/${encodeURIComponent(id)}`
	useEffect(() => {
		let timer = null
		let isOver = false
		const look = async () => {
			try {
				const next = await get(path)
				if (isOver) return
				setJob(next)
				setProblem(null)
				if (next.state !== 'running') return onEnded?.()
			} catch (error) {
				if (isOver) return
				setProblem(error)
				if (error.status === 404) return
			}
			timer = setTimeout(() => void look(), POLL_MS)
		}
		void look()
		return () => {
			isOver = true
			clearTimeout(timer)
		}
	}, [path])
	if (job === null)
		return html`<${ProblemNote} problem=${problem} />${!problem && html`<p class="quiet">Loading …</p>`}`
	const {
		state,
		replayed,
		would_replay: total,
		per_second: perSecond,
		created_at: begunAt,
		ended_at: endedAt,
		error,
	} = job
	return html`<${ProblemNote} problem=${problem} />
		<p><${ReplayMark} state=${state} /> <span role="status">${countText(replayed)} of ${countText(total)} put back to be sent</span>${perSecond !== null && `, at most ${countText(perSecond)} a second`}.</p>
		<progress max=${Math.max(total, replayed, 1)} value=${state === 'finished' && total === 0 ? 1 : replayed} aria-label="Progress"></progress>
		<p class="quiet">Begun at <${Time} at=${begunAt} />${endedAt && html`, ended at <${Time} at=${endedAt} />`}: <${Pairs} pairs=${job.scope} empty="every dead letter" /></p>
		${error && html`<p class="note act">It failed: ${error}</p>`}
		${state === 'running' && html`<p><${ActionButton} onClick=${() => remove(path).then(setJob, setProblem)}>Cancel<//> <span class="quiet">What has been put back is sent all the same.</span></p>`}
		${state === 'finished' && html`<p>${total === 0 ? 'There was nothing to replay.' : `${countOf(replayed, 'delivery is', 'deliveries are')} sent again by the hook's own limits.`}</p>`}`
}

export function ReplayMark({ state }) {
	const kind = { running: 'wait', finished: 'ok', cancelled: 'attention', failed: 'act' }[state]
	return html`<${Mark} kind=${kind} text=${state} />`
}
