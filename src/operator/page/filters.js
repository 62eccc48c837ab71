import { hrefOf } from './address.js'
import { html } from './html.js'
import { useObservable } from './observable.js'
import { fromField, toField, zone } from './time.js'

/**
 * The filters of a list. They stand in the address, so a filtered list can be sent to somebody.
 * Fields: `name`, `label`, and `options` for a choice or `isTime`.
 */
export function Filters({ place, query, fields }) {
	const mode = useObservable(zone)
	const apply = (event) => {
		event.preventDefault()
		const { elements } = event.currentTarget
		const values = fields.map(({ name, isTime }) => {
			const text = elements[name].value.trim()
			return [name, isTime ? fromField(text, mode) : text]
		})
		location.hash = hrefOf([place], Object.fromEntries(values))
	}
	return html`<form class="filters" key=${JSON.stringify(query)} onSubmit=${apply} aria-label="Filters">
		${fields.map((field) => html`<label>${field.label}<${Field} field=${field} value=${query[field.name] ?? ''} mode=${mode} /></label>`)}
		<button type="submit">Filter</button>
		${fields.some(({ name }) => query[name]) && html`<a href=${hrefOf([place])}>Show all</a>`}
	</form>`
}

function Field({ field: { name, options, isTime }, value, mode }) {
	if (!options) {
		return html`<input name=${name} autocomplete="off" spellcheck=${false} type=${isTime ? 'datetime-local' : 'text'} step=${isTime ? 1 : null} value=${isTime ? toField(value, mode) : value} />`
	}
	return html`<select name=${name} onChange=${(event) => event.currentTarget.form.requestSubmit()}>
		${options.map(([option, text]) => html`<option value=${option} selected=${option === value}>${text}</option>`)}
	</select>`
}
