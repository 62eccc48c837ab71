import { IdLink } from './id-link.js'
import { html } from './html.js'
import { Time } from './time.js'

/**
 * A table that becomes a list of cards on a narrow screen. The roles are written out, because changing how a table is
 * displayed takes them away from screen readers.
 * Columns: `label`, `kind` (`number`, or `main`: a card's head), and what stands in a cell: `cell(row)`, or the name of
 * a field by `at` (a time), `code` or `id` (with `view`, where it leads).
 */
export function Table({ caption, columns, rows, keyOf, empty }) {
	if (rows.length === 0) return html`<p class="empty">${empty}</p>`
	return html`<table role="table">
		<caption>${caption}</caption>
		<thead role="rowgroup"><tr role="row">
			${columns.map(({ label, kind }) => html`<th role="columnheader" scope="col" class=${kind}>${label}</th>`)}
		</tr></thead>
		<tbody role="rowgroup">
			${rows.map(
				(row) => html`<tr role="row" key=${keyOf(row)}>
				${columns.map((column) => html`<td role="cell" class=${column.kind} data-label=${column.label}><div>${contentOf(column, row)}</div></td>`)}
			</tr>`,
			)}
		</tbody>
	</table>`
}

function contentOf({ cell, at, code, id, view }, row) {
	if (cell) return cell(row)
	if (at) return html`<${Time} at=${row[at]} />`
	if (id) return html`<${IdLink} view=${view} id=${row[id]} />`
	return row[code] ? html`<code>${row[code]}</code>` : '–'
}
