/** What went wrong with a call, in the words of the relay's problem document. */
export class Problem extends Error {
	constructor({ status, code, title, detail }) {
		super(detail)
		Object.assign(this, { status, code, title })
	}
}

let whenSignedOut = () => {}
/** Called when the relay does not know us (any more). */
export function onSignedOut(callback) {
	whenSignedOut = callback
}

export const get = (path, signal) => call('GET', path, undefined, signal)
export const post = (path, body = {}, signal) => call('POST', path, body, signal)
export const remove = (path) => call('DELETE', path)

/**
 * Calls the relay.
 * @throws {Problem} for every answer but success, and where there is no answer
 */
async function call(method, path, body, signal) {
	const options = { method, signal: signal ?? null, headers: { accept: 'application/json' } }
	if (body !== undefined) {
		options.headers['content-type'] = 'application/json'
		options.body = JSON.stringify(body)
	}
	let response, text
	try {
		response = await fetch(path, options)
		text = await response.text()
	} catch (error) {
		if (error.name === 'AbortError') throw error
		throw new Problem({
			status: 0,
			code: 'unreachable',
			title: 'The relay does not answer',
			detail: 'It is stopped, or the connection to it is broken. This page tries again by itself.',
		})
	}
	const answer = parsed(text)
	if (response.ok) return answer
	const { status } = response
	if (status === 401 && path !== '/session') whenSignedOut()
	// A proxy in between answers in its own way.
	throw new Problem({
		code: 'unreadable',
		title: `The relay answered ${status}`,
		detail: '',
		...answer,
		status,
	})
}

/** Numbers that JavaScript would round stay as they were written. `null`: it is no JSON. */
function parsed(text) {
	const asWritten = (_key, value, { source } = {}) =>
		typeof value === 'number' && source && String(value) !== source && JSON.rawJSON
			? JSON.rawJSON(source)
			: value
	try {
		return JSON.parse(text, asWritten)
	} catch {
		return null
	}
}
