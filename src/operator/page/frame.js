import { useEffect, useRef } from 'preact/hooks'
import { address } from './address.js'
import { DialogPlace } from './dialog.js'
import { html } from './html.js'
import { atMostEvery } from './live/at-most-every.js'
import { onActivity, startStream, stopStream, streamState } from './live/stream.js'
import { Navigation } from './navigation.js'
import { useObservable } from './observable.js'
import { ProblemNote } from './problem-note.js'
import { Search } from './search.js'
import { loadOverview, overviewProblem, session, signOut } from './session.js'
import { setZone, zone } from './time.js'
import { SignIn } from './views/sign-in.js'
import { viewOf } from './views/views.js'

const OVERVIEW_EVERY_MS = 5000
const OVERVIEW_GAP_MS = 3000

/** What stands around every view, or the sign-in. */
export function Frame() {
	const { state, signedIn } = useObservable(session)
	const problem = useObservable(overviewProblem)
	useEffect(() => {
		if (state !== 'in') return stopStream()
		startStream()
		const load = atMostEvery(OVERVIEW_GAP_MS, loadOverview)
		const timer = setInterval(load, OVERVIEW_EVERY_MS)
		const unsubscribe = onActivity(load)
		return () => {
			clearInterval(timer)
			unsubscribe()
		}
	}, [state])
	if (state === 'out') return html`<${SignIn} />`
	if (state === 'unknown') {
		return html`<main class="alone">${problem ? html`<${ProblemNote} problem=${problem} onRetry=${loadOverview} />` : html`<p class="quiet">Loading …</p>`}</main>`
	}
	return html`<a class="skip" href="#main" onClick=${skipToMain}>To the content</a>
		<header class="top">
			<a class="brand" href="#/"><img src="/page/icon.svg" alt="" width="22" height="22" /> seam-relay</a>
			<${Search} />
			<div class="settings"><${LiveState} /><${Zone} />${signedIn && html`<button type="button" class="plain" onClick=${signOut}>Sign out</button>`}</div>
		</header>
		<${Navigation} />
		<main id="main" tabindex="-1">
			${problem && html`<${ProblemNote} problem=${problem} onRetry=${loadOverview} />`}
			<${View} />
		</main>
		<${DialogPlace} />`
}

/** The view of the address. When it changes, its heading gets the focus, so that a screen reader reads it. */
function View() {
	const { parts, query } = useObservable(address)
	const { title, view: Current, id } = viewOf(parts)
	const heading = useRef(null)
	const isFirst = useRef(true)
	const place = parts.join('/')
	useEffect(() => {
		document.title = `${title} · seam-relay`
		if (!isFirst.current) {
			scrollTo(0, 0)
			heading.current?.focus()
		}
		isFirst.current = false
	}, [place, title])
	return html`<h1 ref=${heading} tabindex="-1" class=${place === '' ? 'for-readers' : null}>${title}</h1>
		<${Current} key=${place} id=${id} query=${Object.fromEntries(query)} />`
}

const STREAM_TEXTS = {
	off: ['wait', 'off'],
	connecting: ['wait', 'connecting'],
	live: ['ok', 'live'],
	lost: ['attention', 'connection lost, trying again'],
}

/** Whether what is shown follows what happens. */
function LiveState() {
	const [kind, text] = STREAM_TEXTS[useObservable(streamState)]
	return html`<span class=${`mark ${kind}`} role="status">${text}</span>`
}

function Zone() {
	const mode = useObservable(zone)
	return html`<label class="zone"><span class="for-readers">Times in </span><select value=${mode} onChange=${(event) => setZone(event.currentTarget.value)}>
		<option value="utc" selected=${mode === 'utc'}>UTC</option>
		<option value="local" selected=${mode === 'local'}>Local</option>
	</select></label>`
}

/** The address belongs to the views, so the link to the content may not change it. */
function skipToMain(event) {
	event.preventDefault()
	document.getElementById('main').focus()
}
