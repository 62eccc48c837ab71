import { useEffect, useState } from 'preact/hooks'
import { queryText } from '../address.js'
import { html } from '../html.js'
import { useObservable } from '../observable.js'
import { Loaded } from '../problem-note.js'
import { now } from '../time.js'
import { useAnswer } from '../use-answer.js'
import { countText, spanText } from '../words.js'
import { Bars } from './bars.js'
import { quantile, sumOf } from './quantile.js'

const MINUTE_MS = 60_000
const DAY_MS = 1440 * MINUTE_MS
const SPANS = {
	hour: { text: 'Last hour', spanMs: 60 * MINUTE_MS, stepMs: MINUTE_MS },
	day: { text: 'Last day', spanMs: DAY_MS, stepMs: 30 * MINUTE_MS },
}
const NOTHING = { accepted: 0, duplicate: 0, quarantined: 0, refused: {}, hooks: {}, latency_ms: {} }

/** The last hour or day in pictures, by the counts that the store keeps for each minute. */
export function Charts() {
	const [span, setSpan] = useState('hour')
	const { spanMs, stepMs } = SPANS[span]
	const since = (Math.floor(useObservable(now) / stepMs) + 1) * stepMs - spanMs
	const path = `/api/counts?${queryText({ since: new Date(since).toISOString(), step: stepMs / 1000 })}`
	const answer = useAnswer(path, { live: true, gapMs: 10_000 })
	const [shown, setShown] = useState(null)
	// The old pictures stay until the next minute's are there, and are drawn once for each answer.
	useEffect(() => {
		if (answer.data !== null)
			setShown(html`<${Pictures} slots=${slotsOf(answer.data, since, spanMs, stepMs)} />`)
	}, [answer.data])
	return html`<section class="charts">
		<div class="bar"><h2>Traffic</h2><span class="choice" role="group" aria-label="Span">${Object.entries(
			SPANS,
		).map(
			([name, { text }]) =>
				html`<button type="button" aria-pressed=${name === span} onClick=${() => setSpan(name)}>${text}</button>`,
		)}</span></div>
		<${Loaded} answer=${{ ...answer, data: shown }}>${(pictures) => pictures}<//>
	</section>`
}

function Pictures({ slots }) {
	const hooks = [...new Set(slots.flatMap((slot) => Object.keys(slot.hooks)))].toSorted((one, other) =>
		one.localeCompare(other),
	)
	return html`<div class="grid">
		<${Counts} title="Webhooks" slots=${slots} kinds=${[
			['accepted', 'one', (slot) => slot.accepted],
			['duplicate', 'two-tone', (slot) => slot.duplicate],
			['quarantined', 'warn', (slot) => slot.quarantined],
			['refused', 'alarm', (slot) => sumOf(slot.refused)],
		]} />
		${hooks.map(
			(hook) =>
				html`<${Counts} key=${hook} title=${`To ${hook}`} slots=${slots} kinds=${[
					['delivered', 'one', (slot) => slot.hooks[hook]?.delivered ?? 0],
					['failed', 'warn', (slot) => slot.hooks[hook]?.failed ?? 0],
					['dead letters', 'alarm', (slot) => slot.hooks[hook]?.dead ?? 0],
				]} />`,
		)}
		<${Latency} slots=${slots} />
	</div>`
}

function Counts({ title, slots, kinds }) {
	const series = kinds.map(([name, kind, valueOf]) => {
		const values = slots.map(valueOf)
		return { name, kind, values, whole: `${countText(sumOf(values))} ${name}` }
	})
	const top = Math.max(1, ...slots.map((_, index) => sumOf(series.map(({ values }) => values[index]))))
	return html`<${Bars} title=${title} slots=${slots} series=${series} textOf=${countText} shareOf=${(count) => count / top} top=${countText(top)} />`
}

/** How long events took from acceptance to delivery, from 1 ms to a day by a logarithmic scale. */
function Latency({ slots }) {
	const all = {}
	for (const { latency_ms: buckets } of slots) {
		for (const [bound, count] of Object.entries(buckets)) all[bound] = (all[bound] ?? 0) + count
	}
	const series = [
		['95 % within', 'two-tone', 0.95],
		['half within', 'one', 0.5],
	].map(([name, kind, share]) => {
		const values = slots.map((slot) => quantile(slot.latency_ms, share))
		return { name, kind, values, whole: `${name} ${boundText(quantile(all, share))}` }
	})
	const shareOf = (ms) => Math.log(Math.max(1, Math.min(ms, DAY_MS))) / Math.log(DAY_MS)
	return html`<${Bars} title="From acceptance to delivery" slots=${slots} series=${series} textOf=${boundText} shareOf=${shareOf} isStacked=${false} top="1 d" note="logarithmic, from 1 ms" />`
}

function boundText(ms) {
	if (ms === null) return '–'
	return ms === Infinity ? 'longer than counted' : spanText(ms)
}

/** Every step of the span, those without anything as well. */
function slotsOf({ items }, since, spanMs, stepMs) {
	const given = new Map(items.map((item) => [Date.parse(item.at), item]))
	return Array.from({ length: spanMs / stepMs }, (_, index) => {
		const at = since + index * stepMs
		return { ...NOTHING, ...given.get(at), at: new Date(at).toISOString() }
	})
}
