import { useEffect, useRef } from 'preact/hooks'
import { hrefOf } from './address.js'
import { html } from './html.js'

/** Takes any id and leads to what it belongs to. The key `/` goes to it from everywhere. */
export function Search() {
	const field = useRef(null)
	useEffect(() => {
		const toField = (event) => {
			if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || isForTyping(event.target))
				return
			event.preventDefault()
			field.current.focus()
			field.current.select()
		}
		addEventListener('keydown', toField)
		return () => removeEventListener('keydown', toField)
	}, [])
	const search = (event) => {
		event.preventDefault()
		const q = field.current.value.trim()
		if (q !== '') location.hash = hrefOf(['search'], { q })
	}
	return html`<form class="search" role="search" onSubmit=${search}>
		<input ref=${field} type="search" name="q" maxlength="200" aria-label="Search for an id" placeholder="Paste any id  ( / )" autocomplete="off" spellcheck=${false} />
	</form>`
}

function isForTyping(element) {
	return element.closest?.('input, textarea, select, dialog') !== null
}
