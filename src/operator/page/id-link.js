import { hrefOf } from './address.js'
import { html } from './html.js'
import { shortId } from './words.js'

/** The beginning of an id as a link to what it names; the whole of it on hovering. */
export function IdLink({ view, id }) {
	if (!id) return '–'
	return html`<a class="id" href=${hrefOf([view, id])} title=${id}>${shortId(id)}</a>`
}

/** A whole id: one click selects it. */
export function WholeId({ id }) {
	return id ? html`<code class="id whole">${id}</code>` : '–'
}
