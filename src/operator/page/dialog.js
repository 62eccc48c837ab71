import { useEffect, useRef, useState } from 'preact/hooks'
import { html } from './html.js'
import { observable, useObservable } from './observable.js'
import { ProblemNote } from './problem-note.js'
import { loadOverview, overview } from './session.js'

/** The dialog that is open: its title, and a component for what is in it. */
const open = observable(null)

/**
 * Opens a dialog. It belongs to the page and not to the row whose button opened it: the row may be gone before the
 * dialog is.
 */
export function openDialog(title, content) {
	open.set({ title, content })
}

/**
 * Opens a dialog that says what will happen, and does it. `text` is asked for again with each overview. `run` gets the
 * fields' texts; what it returns is shown afterwards, and without that the dialog closes. With `look`, that is asked first:
 * it returns what it `found`, and the `button` that goes on from there, if there is anything to do.
 */
export function openAsk({ title, text, fields = [], button, kind = 'first', look, run }) {
	openDialog(title, ({ close }) => {
		const [{ isBusy, looked, said, problem }, setState] = useState({})
		useObservable(overview)
		const submit = async (event) => {
			event.preventDefault()
			const given = Object.fromEntries(new FormData(event.currentTarget))
			setState({ isBusy: true, looked })
			try {
				if (look && !looked) return setState({ looked: await look(given) })
				const answer = await run(given)
				void loadOverview()
				if (answer) setState({ said: answer })
				else close()
			} catch (error) {
				setState({ problem: error })
			}
		}
		const next = looked ? looked.button : !said && button
		const shown = said ?? looked?.found
		return html`<form onSubmit=${submit} onInput=${() => setState({})}>
			<p>${text()}</p>
			${fields.length > 0 && html`<div class="fields">${fields.map((field) => html`<label>${field.label}<input autocomplete="off" ...${field} /></label>`)}</div>`}
			<div role="status">${typeof shown === 'string' ? html`<p class=${said ? 'note ok' : 'large'}>${shown}</p>` : shown}</div>
			<${ProblemNote} problem=${problem} />
			<footer><button type="button" onClick=${close}>${next ? 'Cancel' : 'Close'}</button>
				${next && html`<button type="submit" class=${kind} disabled=${isBusy}>${next}</button>`}</footer>
		</form>`
	})
}

/** Shows the dialog that is open, if one is. Escape and `close()` end it; the focus goes back to the button. */
export function DialogPlace() {
	const current = useObservable(open)
	return current && html`<${Dialog} key=${current} ...${current} />`
}

function Dialog({ title, content: Content }) {
	const element = useRef(null)
	useEffect(() => element.current.showModal(), [])
	const close = () => element.current?.close()
	return html`<dialog ref=${element} aria-labelledby="dialog-title" onClose=${() => open.set(null)}>
		<header><h2 id="dialog-title">${title}</h2><button type="button" class="plain" aria-label="Close" onClick=${close}>✕</button></header>
		<${Content} close=${close} />
	</dialog>`
}
