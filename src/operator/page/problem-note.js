import { html } from './html.js'

/** What went wrong with a call, where its answer would stand. */
export function ProblemNote({ problem, onRetry }) {
	if (!problem) return null
	const text = problem.status === undefined ? 'This page has a fault: reload it.' : problem.message
	return html`<div class="note act" role="alert">
		<strong>${problem.title ?? 'Something went wrong'}.</strong> ${text} ${problem.code && html`<code>${problem.code}</code>`}
		${onRetry && html` <button type="button" onClick=${onRetry}>Try again</button>`}
	</div>`
}

/** An answer's place while it is loading, or what went wrong with it. Once there is data, it is shown. */
export function Loaded({ answer, children }) {
	const { data, problem, reload } = answer
	return html`<${ProblemNote} problem=${problem} onRetry=${reload} />
		${data !== null ? children(data) : !problem && html`<p class="quiet loading">Loading …</p>`}`
}
