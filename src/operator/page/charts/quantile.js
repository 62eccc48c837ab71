/**
 * The upper bound of the bucket in which a share of all lies, in milliseconds; `null` without any. The last bucket has
 * no bound, so it gives `Infinity`.
 */
export function quantile(buckets, share) {
	const sorted = Object.entries(buckets)
		.map(([bound, count]) => [Number.isFinite(+bound) ? +bound : Infinity, count])
		.sort(([one], [other]) => one - other)
	const total = sumOf(buckets)
	let seen = 0
	for (const [bound, count] of sorted) {
		seen += count
		if (seen > 0 && seen >= share * total) return bound
	}
	return null
}

export function sumOf(counts) {
	return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
