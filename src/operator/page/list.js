import { hrefOf, queryText } from './address.js'
import { Filters } from './filters.js'
import { html } from './html.js'
import { Loaded } from './problem-note.js'
import { Table } from './table.js'
import { Time } from './time.js'
import { useAnswer } from './use-answer.js'

/**
 * A list out of the API: its filters, its table, and where it goes on. The first page follows what happens, unless it
 * `isStill`; a later one shows what was there.
 */
export function List({ place, query = {}, fields = [], isStill = false, above, ...table }) {
	const answer = useAnswer(`/api/${place}?${queryText(query)}`, { live: !isStill && !query.cursor })
	return html`${fields.length > 0 && html`<${Filters} place=${place} query=${query} fields=${fields} />`}
		${above?.(answer)}
		<${Loaded} answer=${answer}>${(data) => html`
			<${Table} ...${table} rows=${data.items} />
			<${Paging} place=${place} query=${query} answer=${data} />`}<//>`
}

/** Where a list goes on, as links: each page has its address. Says how far back a search has looked. */
function Paging({ place, query, answer: { cursor, searched_back_to: searchedBackTo } }) {
	return html`<nav class="paging" aria-label="Pages">
		${searchedBackTo && html`<span class="quiet">Searched back to <${Time} at=${searchedBackTo} />.</span>`}
		${query.cursor && html`<a class="button" href=${hrefOf([place], { ...query, cursor: '' })}>Newest</a>`}
		${cursor && html`<a class="button" href=${hrefOf([place], { ...query, cursor })}>${searchedBackTo ? 'Search further back' : 'Older'}</a>`}
	</nav>`
}
