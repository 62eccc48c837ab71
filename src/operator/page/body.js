import { html } from './html.js'

/** A body as text, with the button for its PIN if it has one. `reveal` is the state of whether to show it. */
export function Body({ text, label, masked, reveal: [isRevealed, setRevealed] }) {
	return html`${
		(masked.length > 0 || isRevealed) &&
		html`<p class="bar">
			<button type="button" aria-pressed=${isRevealed} onClick=${() => setRevealed(!isRevealed)}>${isRevealed ? 'Hide the PIN' : 'Reveal the PIN'}</button>
			<span class="quiet">${isRevealed ? 'That you looked is in the action log.' : `Masked: ${masked.join(', ')}. The action log keeps who looks.`}</span>
		</p>`
	}
		<pre class="body" tabindex="0" aria-label=${label}>${text}</pre>`
}
