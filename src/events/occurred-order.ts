const FRACTION_DIGITS = 9

/**
 * Compares two times of Seam's as moments: ISO 8601 in UTC, with no to nine digits of a second. As texts they would
 * come in the wrong order where one has more digits than the other.
 */
export function byOccurrence(one: string, other: string): number {
  const [a, b] = [momentText(one), momentText(other)]
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** All of one length, so that their order as texts is the order of the moments; a leap second (`:60`) included. */
function momentText(utcTime: string): string {
  const [whole = '', fraction = ''] = utcTime.replace(/Z$/i, '').split('.')
  return `${whole}.${fraction.padEnd(FRACTION_DIGITS, '0')}`
}
