const NUMBER = new Intl.NumberFormat('en')

/** `12,345`. */
export function countText(count) {
	return NUMBER.format(count)
}

/** `1 event`, `3 events`. */
export function countOf(count, one, many = `${one}s`) {
	return `${countText(count)} ${count === 1 ? one : many}`
}

/** `3 min ago`. */
export function agoText(ms) {
	return ms < 5000 ? 'just now' : `${spanText(ms)} ago`
}

/** A span in the one or two units that matter: `850 ms`, `2.4 s`, `3 min`, `9 h 12 min`, `4 d 2 h`. */
export function spanText(ms) {
	if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
	if (ms < 10_000) return `${(ms / 1000).toFixed(1).replace('.0', '')} s`
	if (ms < 60_000) return `${Math.floor(ms / 1000)} s`
	const minutes = Math.floor(ms / 60_000)
	if (minutes < 60) return `${minutes} min`
	const hours = Math.floor(minutes / 60)
	if (hours < 24) return two(hours, 'h', minutes % 60, 'min')
	return two(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/** The beginning of an id, enough to tell it from its neighbours. */
export function shortId(id) {
	return id.length > 14 ? `${id.slice(0, id.startsWith('msg_') ? 12 : 8)}…` : id
}

function two(large, largeUnit, small, smallUnit) {
	return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}
