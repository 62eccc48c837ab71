import { useEffect, useRef, useState } from 'preact/hooks'
import { html } from './html.js'
import { observable, useObservable } from './observable.js'
import { ProblemNote } from './problem-note.js'
import { loadOverview } from './session.js'

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
 * Opens a dialog that explains one thing, has a field or none, and does it. `run` gets the field's text; what it
 * returns is shown afterwards, and without that the dialog closes.
 */
export function openAsk({ title, text, field = null, button, kind = 'first', run }) {
	openDialog(title, ({ close }) => {
		const [{ isBusy, said, problem }, setState] = useState({})
		const submit = async (event) => {
			event.preventDefault()
			const given = event.currentTarget.elements.field?.value.trim()
			setState({ isBusy: true })
			try {
				const answer = await run(given)
				void loadOverview()
				if (answer) setState({ said: answer })
				else close()
			} catch (error) {
				setState({ problem: error })
			}
		}
		return html`<form onSubmit=${submit}>
			<p>${text}</p>
			${field && html`<label>${field.label}<input name="field" required autocomplete="off" ...${field} /></label>`}
			<div role="status">${typeof said === 'string' ? html`<p class="note ok">${said}</p>` : said}</div>
			<${ProblemNote} problem=${problem} />
			<footer><button type="button" onClick=${close}>${said ? 'Close' : 'Cancel'}</button>
				${!said && html`<button type="submit" class=${kind} disabled=${isBusy}>${button}</button>`}</footer>
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
