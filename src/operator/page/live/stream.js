import { observable } from '../observable.js'

/** `off`, `connecting`, `live`, or `lost` until it is back. */
export const streamState = observable('off')
/** What happened last, newest first; `{ kind: 'gap' }` where something in between was not seen. */
export const recent = observable([])

const KEPT = 40
const LONGEST_WAIT_MS = 30_000
const listeners = new Set()
let source = null
let retry = null
let failures = 0
let wasLive = false
let isWanted = false
let isMissed = false
document.addEventListener('visibilitychange', () => isMissed && tell())

/** Called after anything happened, and when the stream is back after it was lost. */
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
	recent.set([])
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
		if (wasLive) tell()
		wasLive = isContinued = true
	})
	source.addEventListener('message', ({ data }) => {
		saw(JSON.parse(data))
		tell()
	})
	source.addEventListener('gap', () => {
		sawGap()
		tell()
	})
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
	recent.set([item, ...recent.get()].slice(0, KEPT))
}

function sawGap() {
	if (recent.get()[0]?.kind !== 'gap') saw({ kind: 'gap' })
}

/** A page that nobody sees loads nothing; it makes up for it when it is seen. */
function tell() {
	isMissed = document.hidden
	if (isMissed) return
	for (const listener of listeners) listener()
}
