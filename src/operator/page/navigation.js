import { address, hrefOf } from './address.js'
import { html } from './html.js'
import { countText } from './words.js'
import { useObservable } from './observable.js'
import { overview } from './session.js'

const PLACES = [
	['', 'Overview'],
	['events', 'Events'],
	['deliveries', 'Deliveries'],
	['failures', 'Failures'],
	['hooks', 'Hooks'],
	['quarantine', 'Quarantine'],
	['refusals', 'Refusals'],
	['replays', 'Replays'],
	['actions', 'Actions'],
]

/** The views, with a number where something waits for a person. */
export function Navigation() {
	const { parts } = useObservable(address)
	const counts = waiting(useObservable(overview))
	const here = parts[0] ?? ''
	return html`<nav class="places" aria-label="Views"><ul>
		${PLACES.map(
			([
				place,
				text,
			]) => html`<li><a href=${hrefOf([place].filter(Boolean))} aria-current=${place === here ? 'page' : null}>
			${text}${counts[place] > 0 && html` <span class="count">${countText(counts[place])}</span>`}
		</a></li>`,
		)}
	</ul></nav>`
}

function waiting(answer) {
	if (answer === null) return {}
	const dead = answer.hooks.reduce((total, hook) => total + hook.dead, 0)
	return { failures: dead, quarantine: answer.quarantine.open }
}
