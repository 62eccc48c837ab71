import { html } from './html.js'

/** Names and values in a line. The values may be anything. */
export function Pairs({ pairs, empty = '–' }) {
	const entries = Object.entries(pairs)
	if (entries.length === 0) return empty
	return html`<span class="pairs">${entries.map(([name, value]) => html`<span><span class="quiet">${name}</span> ${textOf(value)}</span>`)}</span>`
}

function textOf(value) {
	if (!Array.isArray(value)) return typeof value === 'string' ? value : JSON.stringify(value)
	return value.length > 3
		? `${value.slice(0, 3).map(textOf).join(', ')} and ${value.length - 3} more`
		: value.map(textOf).join(', ')
}
