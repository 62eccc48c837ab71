import { post } from '../api.js'
import { openAsk } from '../dialog.js'
import { healthOf } from '../session.js'
import { countOf } from '../words.js'

const call = (hook, verb, body) => post(`/api/hooks/${encodeURIComponent(hook)}/${verb}`, body)
const waiting = (hook) => countOf(healthOf(hook)?.pending ?? 0, 'delivery waits', 'deliveries wait')
const dead = (count) => countOf(count, 'dead letter')

export function openPause(hook, onDone) {
	openAsk({
		title: `Pause ${hook}`,
		text: () =>
			`Nothing more is sent to ${hook}, by any replica, until somebody resumes it. ${waiting(hook)} now; events are accepted and kept for it all the same.`,
		fields: [
			{
				name: 'reason',
				label: 'Why',
				required: true,
				pattern: '.*\\S.*',
				maxlength: 500,
				placeholder: 'For whoever finds it paused',
			},
		],
		button: 'Pause',
		run: (body) => call(hook, 'pause', body).then(() => void onDone?.()),
	})
}

export function openResume(hook, onDone) {
	openAsk({
		title: `Resume ${hook}`,
		text: () => `${waiting(hook)} for ${hook}: all of it is sent, by the hook's own limits.`,
		button: 'Resume',
		run: () => call(hook, 'resume').then(() => void onDone?.()),
	})
}

/** Ends what a removed hook holds. */
export function openDiscard(hook, onDone) {
	openAsk({
		title: `Discard what ${hook} holds`,
		text: () =>
			`${hook} is no longer configured, so nobody would get it: ${waiting(hook)}, and there are ${dead(healthOf(hook)?.dead ?? 0)}. All of it is put aside and removed with age. Until then it can be replayed, if the name comes back.`,
		button: 'Discard',
		kind: 'danger',
		async run() {
			const { discarded } = await post('/api/discard', { hook })
			void onDone?.()
			return `${countOf(discarded, 'delivery was', 'deliveries were')} discarded.`
		},
	})
}

/** Says that nobody needs a group of a hook's dead letters any more: those with its code, or without any. */
export function openDismiss({ hook, code, dead: count, is_complete: isComplete }, onDone) {
	const many = `${isComplete ? '' : 'at least '}${dead(count)}`
	openAsk({
		title: `Put aside dead letters of ${hook}`,
		text: () =>
			`These are ${many} ${code === null ? 'without a code' : `with the code ${code}`}. The overview is then silent about them, and they are removed with age. Until then they can still be replayed.`,
		button: `Put aside ${many}`,
		kind: 'danger',
		async run() {
			const { dismissed } = await post('/api/dismiss', { hook, code })
			void onDone?.()
			return `${countOf(dismissed, 'dead letter is', 'dead letters are')} put aside.`
		},
	})
}
