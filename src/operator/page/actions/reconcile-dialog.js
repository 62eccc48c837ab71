import { post } from '../api.js'
import { openAsk } from '../dialog.js'
import { fromField, toField, zone } from '../time.js'
import { countOf } from '../words.js'

const DAY_MS = 86_400_000

/** Asks Seam which events there were, says how many did not come, and takes them in. The span may be a gap's. */
export function openReconcile({ since, until } = {}) {
	const mode = zone.get()
	const from = since ?? new Date(Date.now() - DAY_MS).toISOString()
	// Fields go by whole seconds, and a gap is closed only by all of it.
	const to = until && new Date(Date.parse(until) + 999).toISOString()
	const ask = (given, more) => {
		const [begin, end] = [fromField(given.since, mode), fromField(given.until, mode)]
		return post('/api/reconcile', { since: begin, ...(end && { until: end }), ...more })
	}
	const run = async (given) => {
		const { checked, missed, recovered } = await ask(given)
		return `${countOf(checked, 'event')} checked, ${missed} missed, ${recovered} taken in.`
	}
	const time = { type: 'datetime-local', step: 1 }
	openAsk({
		title: 'Ask Seam for its events',
		text: () =>
			'Seam is asked for every event of this span, and it is said first how many did not come as webhooks.',
		fields: [
			{ ...time, name: 'since', label: `Since (${mode})`, required: true, value: toField(from, mode) },
			{ ...time, name: 'until', label: 'Until (empty: now)', value: toField(to, mode) },
		],
		button: 'Ask Seam',
		async look(given) {
			const { checked, missed } = await ask(given, { dry_run: true })
			// It takes nothing in, and closes a gap.
			if (missed === 0) return { found: await run(given) }
			const many = countOf(missed, 'event')
			return {
				found: `${countOf(checked, 'event')} checked: ${many} did not come. The hooks that want them get them.`,
				button: `Take in ${many}`,
			}
		},
		run,
	})
}
