import { html } from './html.js'
import { useObservable } from './observable.js'
import { session } from './session.js'

/** A button that changes something. With a token that only reads it is off, and says why. */
export function ActionButton({ onClick, children, kind = '', disabled = false }) {
	const { may } = useObservable(session)
	const why = may === 'act' ? null : 'You are signed in with a token that only reads.'
	return html`<button type="button" class=${kind} disabled=${disabled || why !== null} title=${why} onClick=${onClick}>${children}</button>`
}
