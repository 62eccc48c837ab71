import type { Finding } from './finding.ts'

/** `act`: somebody must do something. `attention`: worth knowing, and it may mend itself. */
export type Verdict = 'ok' | 'attention' | 'act'

export const ALL_WELL = 'Nothing is lost and nothing waits for you.'

export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some(({ severity }) => severity === 'act')) return 'act'
  return findings.length > 0 ? 'attention' : 'ok'
}

/**
 * Is anything lost or late, and must I act? The findings are ranked; the first one for which somebody has to act is said in
 * full, or without any the first. So the sentence is about what the verdict is for.
 */
export function sentenceOf(findings: readonly Finding[]): string {
  const first = findings.find(({ severity }) => severity === 'act') ?? findings[0]
  if (first === undefined) return ALL_WELL
  const others = findings.length - 1
  if (others === 0) return first.text
  const more = others === 1 ? 'One more thing needs a look.' : `${others} more things need a look.`
  return `${first.text} ${more}`
}
