import { post } from '../api.js'
import { openAsk } from '../dialog.js'
import { countOf } from '../words.js'

const call = (hook, verb, body) => post(`/api/hooks/${encodeURIComponent(hook)}/${verb}`, body)

export function openPause(hook, onDone) {
	openAsk({
		title: `Pause ${hook}`,
		text: `Nothing more is sent to ${hook}, by any replica, until somebody resumes it. Events are accepted and kept for it all the same.`,
		field: { label: 'Why', maxlength: 500, placeholder: 'For whoever finds it paused' },
		button: 'Pause',
		run: (reason) => call(hook, 'pause', { reason }).then(() => void onDone?.()),
	})
}

export function openResume(hook, onDone) {
	openAsk({
		title: `Resume ${hook}`,
		text: `What has waited for ${hook} is sent, by its own limits.`,
		button: 'Resume',
		run: () => call(hook, 'resume').then(() => void onDone?.()),
	})
}

/** Gives up what a removed hook holds. */
export function openDiscard(hook, onDone) {
	openAsk({
		title: `Discard what ${hook} holds`,
		text: `${hook} is no longer configured, so nobody would get it. All of it is given up and removed with age. Until then it can be replayed, if the name comes back.`,
		button: 'Discard',
		kind: 'danger',
		async run() {
			const { discarded } = await post('/api/discard', { hook })
			void onDone?.()
			return `${countOf(discarded, 'delivery was', 'deliveries were')} given up.`
		},
	})
}

/** Says that nobody needs a hook's dead letters any more: those with this code, or all of them without one. */
export function openDismiss(hook, code, onDone) {
	openAsk({
		title: `Put aside the dead letters of ${hook}${code === null ? '' : ` with the code ${code}`}`,
		text: `They wait for nobody any more: the overview is silent about them, and they are removed with age. Until then they can still be replayed.`,
		button: 'Put aside',
		kind: 'danger',
		async run() {
			const { dismissed } = await post('/api/dismiss', code === null ? { hook } : { hook, code })
			void onDone?.()
			return `${countOf(dismissed, 'dead letter is', 'dead letters are')} put aside.`
		},
	})
}
