import { observable } from '../observable.js'
import { atMostEvery } from './at-most-every.js'

/** `off`, `connecting`, `live`, or `lost` until it is back. */
export const streamState = observable('off')
/** What happened last, newest first; `{ kind: 'gap' }` where something in between was not seen. */
export const recent = observable([])

const KEPT = 14
const LONGEST_WAIT_MS = 30_000
const listeners = new Set()
/** Becomes `recent` when it is drawn. */
let seen = []
let source = null
let retry = null
let failures = 0
let wasLive = false
let isWanted = false
/** To draw each message on its own costs too much. */
const tell = atMostEvery(1000, () => {
	recent.set(seen)
	for (const listener of listeners) listener()
})
document.addEventListener('visibilitychange', tell)

/** Called after anything happened, when the stream is back after it was lost, and when the page is seen again. */
export function onActivity(listener) {
	listeners.add(listener)
	return () => listeners.delete(listener)
}

export function startStream() {
	isWanted = true
	if (source === null && retry === null) connect()
}

export function stopStream() {
	isWanted = false
	clearTimeout(retry)
	source?.close()
	source = retry = null
	wasLive = false
	streamState.set('off')
	recent.set((seen = []))
}

function connect() {
	retry = null
	if (!isWanted) return
	streamState.set(wasLive ? 'lost' : 'connecting')
	let isContinued = false
	source = new EventSource('/api/stream')
	source.addEventListener('open', () => {
		failures = 0
		streamState.set('live')
		// The browser goes on from the last message by itself only while it keeps the same source.
		if (wasLive && !isContinued) sawGap()
		else if (wasLive) tell()
		wasLive = isContinued = true
	})
	source.addEventListener('message', ({ data }) => saw(JSON.parse(data)))
	source.addEventListener('gap', sawGap)
	source.addEventListener('error', () => {
		streamState.set(wasLive ? 'lost' : 'connecting')
		if (source.readyState !== EventSource.CLOSED) return
		// An answer that is no stream ends the browser's own attempts. A relay that starts again answers so for a moment.
		source.close()
		source = null
		failures += 1
		retry = setTimeout(connect, Math.min(LONGEST_WAIT_MS, 500 * 2 ** failures))
	})
}

function saw(item) {
	seen = [item, ...seen].slice(0, KEPT)
	tell()
}

function sawGap() {
	if (seen[0]?.kind === 'gap') tell()
	else saw({ kind: 'gap' })
}
