import { ActionButton } from '../action-button.js'
import { openDiscard, openPause, openResume } from '../actions/hook-actions.js'
import { openReplay } from '../actions/replay-dialog.js'
import { openTest } from '../actions/test-dialog.js'
import { hrefOf } from '../address.js'
import { html } from '../html.js'
import { countText, spanText } from '../words.js'
import { Loaded } from '../problem-note.js'
import { Mark } from '../state-mark.js'
import { Since } from '../time.js'
import { useAnswer } from '../use-answer.js'

/** The hooks with their health, or one of them. */
export function Hooks({ id }) {
	const answer = useAnswer('/api/hooks', { live: true })
	return html`<${Loaded} answer=${answer}>${({ items }) => {
		const shown = id === undefined ? items : items.filter(({ hook }) => hook === id)
		if (shown.length > 0)
			return html`<div class="cards">${shown.map((hook) => html`<${HookCard} key=${hook.hook} hook=${hook} onDone=${answer.reload} />`)}</div>`
		return html`<p class="empty">${id === undefined ? 'No hook is configured. They are named in HOOKS or HOOKS_FILE.' : `There is no hook named ${id}, and nothing is held for one.`}</p>`
	}}<//>`
}

function HookCard({ hook: health, onDone }) {
	const { hook, url, events, ordering, is_configured: isConfigured, pause } = health
	const giveOlder = () =>
		openReplay({
			title: `Give ${hook} what was before it`,
			scope: { hook, missing: true },
			mayChooseSpan: true,
			onEnded: onDone,
		})
	return html`<article class="card">
		<header><h2>${hook}</h2> <${HookMark} health=${health} /></header>
		${
			isConfigured
				? html`<p><code>${url}</code> <span class="quiet">${events.length === 0 ? 'every event' : events.join(', ')}${ordering === 'credential' && '; in order for each credential'}</span></p>`
				: html`<p>It is no longer configured, and still holds deliveries. Configure it again to have them sent, or discard them.</p>`
		}
		${pause && html`<p class="note attention">Paused by ${pause.paused_by} since <${Since} at=${pause.paused_at} />: ${pause.reason}</p>`}
		<dl class="numbers">
			<${Figure} label="Waiting" value=${countText(health.pending)} href=${hrefOf(['deliveries'], { hook, state: 'pending' })} />
			<${Figure} label="Oldest waits" value=${health.pending > 0 ? spanText(health.oldest_pending_age_ms) : '–'} />
			<${Figure} label="Dead letters" value=${countText(health.dead)} href=${hrefOf(['deliveries'], { hook, state: 'dead' })} isBad=${health.dead > 0} />
			<${Figure} label="Delivered, last hour" value=${countText(health.delivered_last_hour)} />
			<${Figure} label="Failed, last hour" value=${countText(health.failed_last_hour)} />
		</dl>
		<p class="bar">
			${isConfigured && (pause ? html`<${ActionButton} kind="first" onClick=${() => openResume(hook, onDone)}>Resume<//>` : html`<${ActionButton} onClick=${() => openPause(hook, onDone)}>Pause<//>`)}
			${isConfigured && html`<${ActionButton} onClick=${() => openTest(hook)}>Test<//>`}
			${isConfigured && html`<${ActionButton} onClick=${giveOlder}>Give it older events<//>`}
			${!isConfigured && html`<${ActionButton} onClick=${() => openDiscard(hook, onDone)}>Discard what it holds<//>`}
		</p>
	</article>`
}

function Figure({ label, value, href, isBad = false }) {
	return html`<div><dt>${label}</dt><dd class=${isBad ? 'bad' : ''}>${href ? html`<a href=${href}>${value}</a>` : value}</dd></div>`
}

/** How a hook is, in a word. */
export function HookMark({ health: { is_configured: isConfigured, pause, breaker } }) {
	if (!isConfigured) return html`<${Mark} kind="attention" text="removed" />`
	if (pause) return html`<${Mark} kind="attention" text="paused" />`
	if (breaker === 'open') return html`<${Mark} kind="act" text="breaker open" />`
	if (breaker === 'recovering') return html`<${Mark} kind="attention" text="trying again" />`
	return html`<${Mark} kind="ok" text="well" />`
}
