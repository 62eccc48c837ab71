import type { BodyProblem } from '../events/judge.ts'

/** The reason given for a quarantined body whose webhook id is known with other content. */
export const CONFLICT_PROBLEMS: BodyProblem[] = [
  { path: '/event_id', message: 'is known already, with other content' },
]
