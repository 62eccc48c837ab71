import { useEffect } from 'preact/hooks'
import { onThisPage, queryText } from '../address.js'
import { html } from '../html.js'
import { Loaded } from '../problem-note.js'
import { useAnswer } from '../use-answer.js'

/** What an id belongs to. Where it is one thing only, and has a place of its own, the page goes there. */
export function SearchResults({ query: { q = '' } }) {
	const answer = useAnswer(q === '' ? null : `/api/search?${queryText({ q })}`)
	const [first, ...others] = answer.data?.items ?? []
	const only = first && others.length === 0 && first.href !== '#/hooks' ? onThisPage(first.href) : null
	useEffect(() => {
		if (only !== null) location.replace(only)
	}, [only])
	if (q === '')
		return html`<p class="empty">Paste an id of an event, a credential, a workspace, a message, a quarantined body or a replay into the field above.</p>`
	return html`<p>For <code class="id whole">${q}</code></p>
		<${Loaded} answer=${answer}>${({ items }) =>
			items.length === 0
				? html`<p class="empty">Nothing here has this id. It may be too old: what is kept for how long stands in the settings. Only whole ids are found.</p>`
				: html`<ul class="results">${items.map(
						(item) =>
							html`<li><a href=${onThisPage(item.href)}>${item.text}</a> <span class="tag">${item.kind}</span> <code class="id">${item.id}</code></li>`,
					)}</ul>`}<//>`
}
