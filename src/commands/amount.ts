const BYTE_UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** `12.3 MB`. */
export function bytes(count: number): string {
  let amount = count
  let unit = 0
  while (amount >= 1000 && unit < BYTE_UNITS.length - 1) {
    amount /= 1000
    unit++
  }
  return `${unit === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${BYTE_UNITS[unit]}`
}

const SPANS: readonly [unitMs: number, unit: string][] = [
  [86_400_000, 'days'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
]

/** `3 days`, `2 h`, `45 s`, `120 ms`: the largest unit of which there are two, so that the number says enough. */
export function span(ms: number): string {
  const rounded = Math.round(Math.abs(ms))
  for (const [unitMs, unit] of SPANS) {
    if (rounded >= 2 * unitMs) return `${Math.floor(rounded / unitMs)} ${unit}`
  }
  return rounded >= 1000 ? `${(rounded / 1000).toFixed(1)} s` : `${rounded} ms`
}

/** `1 delivery`, `2 deliveries`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
