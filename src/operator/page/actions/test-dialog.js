import { post } from '../api.js'
import { openAsk } from '../dialog.js'
import { html } from '../html.js'
import { Mark } from '../state-mark.js'
import { spanText } from '../words.js'

/** Sends a signed sample to one hook, at once, and shows what it answered. */
export function openTest(hook) {
	openAsk({
		title: `Test ${hook}`,
		text: () =>
			`A sample event goes to ${hook} alone, signed like any other. Its event_id is all zeros, by which a receiver knows it.`,
		button: 'Send the sample',
		run: async () => resultOf(await post(`/api/hooks/${encodeURIComponent(hook)}/test`)),
	})
}

function resultOf({ delivered, status, code, duration_ms: durationMs, answer }) {
	return html`<p><${Mark} kind=${delivered ? 'ok' : 'act'} text=${delivered ? 'taken' : 'not taken'} /> ${status === null ? 'No answer' : `Status ${status}`}${code && html` <code>${code}</code>`} after ${spanText(durationMs)}.</p>
		${answer && html`<pre class="body" tabindex="0" aria-label="What it answered">${answer}</pre>`}`
}
