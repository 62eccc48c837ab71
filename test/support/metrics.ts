/**
 * The value of one sample in the text of `/metrics`, or `undefined` if there is none.
 * @param labels all of the sample's labels, in any order
 */
export function metricIn(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = labelsKey(Object.entries(labels))
  for (const line of text.split('\n')) {
    const [, itsName, itsLabels = '', value] = SAMPLE.exec(line) ?? []
    if (itsName !== name) continue
    const pairs = [...itsLabels.matchAll(LABEL)].map(([, label, text]) => [label, text] as [string, string])
    if (labelsKey(pairs) === wanted) return Number(value)
  }
  return undefined
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

function labelsKey(pairs: [string, string][]): string {
  return JSON.stringify(pairs.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}
