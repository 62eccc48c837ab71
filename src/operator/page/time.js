import { html } from './html.js'
import { observable, useObservable } from './observable.js'
import { agoText } from './words.js'

const REMEMBERED_AS = 'seam-relay-zone'

/** `utc` or `local`: how every time on the page is written. */
export const zone = observable(remembered())
/** Moves every ten seconds while the page is seen, for ages. */
export const now = observable(Date.now())
const move = () => document.hidden || now.set(Date.now())
setInterval(move, 10_000)
document.addEventListener('visibilitychange', move)

export function setZone(next) {
	zone.set(next)
	try {
		localStorage.setItem(REMEMBERED_AS, next)
	} catch {
		// A browser that keeps nothing for pages: it holds until the page is closed.
	}
}

/** A time as `12:04:07`, with the day before it where that is not today. `withMs` for what is compared closely. */
export function Time({ at, withMs = false }) {
	const mode = useObservable(zone)
	if (!at) return '–'
	return html`<time datetime=${at} title=${at}>${timeText(at, mode, withMs)}</time>`
}

/** A time with how long ago it was. */
export function Since({ at }) {
	const current = useObservable(now)
	if (!at) return '–'
	return html`<span><${Time} at=${at} /> <span class="quiet">(${agoText(current - Date.parse(at))})</span></span>`
}

export function timeText(at, mode, withMs = false) {
	const date = new Date(at)
	if (Number.isNaN(date.getTime())) return String(at)
	const [day, time] = dayAndTime(date, mode)
	const [today] = dayAndTime(new Date(), mode)
	const clock = withMs ? time : time.slice(0, 8)
	return day === today ? clock : `${day} ${clock}`
}

/** What a `datetime-local` field shows for a time, and the time that it stands for. */
export function toField(at, mode) {
	if (!at) return ''
	const [day, time] = dayAndTime(new Date(at), mode)
	return `${day}T${time.slice(0, 8)}`
}
export function fromField(text, mode) {
	if (text === '') return ''
	const date = new Date(mode === 'utc' ? `${text}Z` : text)
	return Number.isNaN(date.getTime()) ? '' : date.toISOString()
}

/** `['2026-03-01', '12:04:07.123']`. */
function dayAndTime(date, mode) {
	const shifted = mode === 'utc' ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
	return shifted.toISOString().slice(0, -1).split('T')
}

function remembered() {
	try {
		return localStorage.getItem(REMEMBERED_AS) === 'local' ? 'local' : 'utc'
	} catch {
		return 'utc'
	}
}
