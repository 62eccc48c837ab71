/** `2026-03-01 10:00:00Z`: a time that came as ISO 8601 in UTC, as people read it. */
export function moment(iso: string): string {
  return iso.replace('T', ' ').replace(/\.\d+Z$/, 'Z')
}

/** `10:00:00Z`. */
export function timeOfDay(iso: string): string {
  return moment(iso).slice(11)
}
