import { post } from '../api.js'
import { openAsk } from '../dialog.js'
import { fromField, toField, zone } from '../time.js'
import { countOf } from '../words.js'

const DAY_MS = 86_400_000

/** Asks Seam which events there were, and takes in those that did not come. */
export function openReconcile(since) {
	const mode = zone.get()
	const from = since ?? new Date(Date.now() - DAY_MS).toISOString()
	openAsk({
		title: 'Ask Seam for its events',
		text: 'Seam is asked for every event since this time. Those that did not come as webhooks are taken in and delivered.',
		field: { label: `Since (${mode})`, type: 'datetime-local', step: 1, value: toField(from, mode) },
		button: 'Ask Seam',
		async run(text) {
			const { checked, missed, recovered } = await post('/api/reconcile', { since: fromField(text, mode) })
			return `${countOf(checked, 'event')} checked, ${missed} missed, ${recovered} taken in.`
		},
	})
}
