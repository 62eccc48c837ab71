import type { Finding } from './finding.ts'

/** `act`: somebody must do something. `attention`: worth knowing, and it may mend itself. */
export type Verdict = 'ok' | 'attention' | 'act'

export const ALL_WELL = 'Nothing is lost and nothing waits for you.'

export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some(({ severity }) => severity === 'act')) return 'act'
  return findings.length > 0 ? 'attention' : 'ok'
}

/** Is anything lost or late, and must I act? The findings are ranked; the first one is said in full. */
export function sentenceOf(findings: readonly Finding[]): string {
  const [first, ...others] = findings
  if (first === undefined) return ALL_WELL
  if (others.length === 0) return first.text
  const more =
    others.length === 1 ? 'One more thing needs a look.' : `${others.length} more things need a look.`
  return `${first.text} ${more}`
}
