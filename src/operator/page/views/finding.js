import { ActionButton } from '../action-button.js'
import { openDiscard, openResume } from '../actions/hook-actions.js'
import { openReconcile } from '../actions/reconcile-dialog.js'
import { openReplayOfDead } from '../actions/replay-dialog.js'
import { openTest } from '../actions/test-dialog.js'
import { onThisPage } from '../address.js'
import { html } from '../html.js'
import { countOf } from '../words.js'
import { Since } from '../time.js'
import { healthOf, overview } from '../session.js'

/** One thing that is wrong: since when, how many, where, why, and what to do about it. */
export function Finding({ finding }) {
	const { severity, hook, code, since, text, do: advice, href } = finding
	return html`<li class=${severity}><div>
		<p class="says">${text}</p>
		<p>${advice}</p>
		<p class="quiet facts-line">${[
			since && html`<span>since <${Since} at=${since} /></span>`,
			hook && html`<span>${hook}</span>`,
			code && html`<code>${code}</code>`,
		]}</p>
		</div><p class="bar">${buttonsOf(finding)}<a href=${onThisPage(href)}>Show</a></p>
	</li>`
}

function buttonsOf({ kind, hook, count, since, until }) {
	switch (kind) {
		case 'undelivered_revocations':
			return buttonsOfRevocations(hook)
		case 'dead_letters':
			return html`${replayButton(hook, countOf(healthOf(hook)?.dead ?? count, 'dead letter'))}${testButton(hook)}`
		case 'breaker_open':
		case 'late_deliveries':
			return testButton(hook)
		case 'hook_paused':
			return resumeButton(hook)
		case 'removed_hook':
			return discardButton(hook)
		case 'missed_events':
		case 'silence':
			return (
				overview.get()?.reconciliation &&
				html`<${ActionButton} onClick=${() => openReconcile({ since, until })}>Ask Seam<//>`
			)
		default:
			return null
	}
}

/** What waits goes out by itself, so there is something to replay only where something was given up. */
function buttonsOfRevocations(hook) {
	const health = healthOf(hook)
	if (!health?.is_configured) return discardButton(hook)
	if (health.pause) return resumeButton(hook)
	return html`${health.dead > 0 && replayButton(hook, `to ${hook}`)}${testButton(hook)}`
}

const replayButton = (hook, text) =>
	html`<${ActionButton} kind="first" onClick=${() => openReplayOfDead(hook)}>Replay ${text}<//>`
const resumeButton = (hook) =>
	html`<${ActionButton} kind="first" onClick=${() => openResume(hook)}>Resume ${hook}<//>`
export const discardButton = (hook, onDone) =>
	html`<${ActionButton} onClick=${() => openDiscard(hook, onDone)}>Discard what it holds<//>`
export const testButton = (hook) => html`<${ActionButton} onClick=${() => openTest(hook)}>Test ${hook}<//>`
