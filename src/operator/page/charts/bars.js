import { useState } from 'preact/hooks'
import { html } from '../html.js'
import { useObservable } from '../observable.js'
import { timeText, zone } from '../time.js'

const WIDTH = 600
const HEIGHT = 96

/**
 * Bars, one place for each slot of time. What they show stands in a sentence for screen readers, and in a table.
 * Series: `name`, `kind` (a colour's class), `values`, and `whole`, what its name begins or ends with.
 * `shareOf` gives a value's height as a share of the whole; `isStacked`: one above the other, or before it.
 */
export function Bars({ title, slots, series, textOf, shareOf, isStacked = true, top, note = '' }) {
	const mode = useObservable(zone)
	const width = WIDTH / slots.length
	const label = (slot) => timeText(slot.at, mode).slice(0, -3)
	const filled = series.filter(({ values }) => values.some((value) => value > 0))
	const at = (index) => filled.map(({ name, values }) => `${name} ${textOf(values[index])}`).join(', ')
	const summary = series.map(({ whole }) => whole).join(', ')
	return html`<figure class="chart">
		<figcaption><b>${title}</b> <span class="legend">${series.map(({ whole, kind }) => html`<span class=${`key ${kind}`}>${whole}</span>`)}</span></figcaption>
		<div class="plot"><span class="top">${top}</span>
		<svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${`${title}: ${summary}.`}>
			<line x2=${WIDTH} y1=${HEIGHT - 0.5} y2=${HEIGHT - 0.5} />
			${slots.map(
				(slot, index) => html`<g>
				<title>${`${label(slot)}: ${at(index) || 'nothing'}`}</title>
				<rect x=${index * width} width=${width} height=${HEIGHT} class="hit" />
				${rectangles(filled, index, shareOf, isStacked).map((one) => html`<rect x=${index * width + 1} width=${Math.max(1, width - 2)} ...${one} />`)}
			</g>`,
			)}
		</svg></div>
		<div class="ends"><span>${label(slots[0])}</span><span>${note}</span><span>${label(slots.at(-1))}</span></div>
		${filled.length > 0 && html`<${Numbers} title=${title} slots=${slots} series=${filled} label=${label} textOf=${textOf} />`}
	</figure>`
}

/** The same as a table, which has so many cells that it is made when it is opened, and not before. */
function Numbers({ title, slots, series, label, textOf }) {
	const [isOpen, setOpen] = useState(false)
	return html`<details onToggle=${(event) => setOpen(event.currentTarget.open)}><summary>In numbers<span class="for-readers">: ${title}</span></summary>
		${
			isOpen &&
			html`<div class="scroll" tabindex="0" role="region" aria-label=${`${title} in numbers`}><table>
			<thead><tr><th scope="col">From</th>${series.map(({ name }) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
			<tbody>${slots.map((slot, index) => html`<tr><th scope="row">${label(slot)}</th>${series.map(({ values }) => html`<td class="number">${textOf(values[index])}</td>`)}</tr>`)}</tbody>
		</table></div>`
		}</details>`
}

/** The rectangles of one slot, from the ground up. What is not nothing can be seen, however small it is. */
function rectangles(series, index, shareOf, isStacked) {
	let ground = HEIGHT
	return series
		.filter(({ values }) => values[index] > 0)
		.map(({ kind, values }) => {
			const height = Math.max(2, shareOf(values[index]) * (HEIGHT - 4))
			const y = ground - height
			if (isStacked) ground = y
			return { class: kind, y, height }
		})
}
