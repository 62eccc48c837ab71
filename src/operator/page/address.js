import { observable } from './observable.js'

/** Every view is an address: `#/events/ID?type=…`. */
export function parseAddress(hash) {
	const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split(/\?(.*)/s)
	return { parts: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(query) }
}

/** The address of a view. Query values that are empty are left out. */
export function hrefOf(parts, query = {}) {
	const path = parts.map(encodeURIComponent).join('/')
	const text = queryText(query)
	return `#/${path}${text === '' ? '' : `?${text}`}`
}

/** A query's text, without what is empty. */
export function queryText(query) {
	const filled = Object.entries(query).filter(
		([, value]) => value !== undefined && value !== null && value !== '',
	)
	return new URLSearchParams(filled).toString()
}

/** A link out of an answer is followed only if it stays on this page. */
export function onThisPage(href) {
	return typeof href === 'string' && href.startsWith('#/') ? href : '#/'
}

export const address = observable(parseAddress(location.hash))
addEventListener('hashchange', () => address.set(parseAddress(location.hash)))

function decoded(part) {
	try {
		return decodeURIComponent(part)
	} catch {
		return part
	}
}
