import type { BodyProblem } from '../events/judge.ts'

/** Why a body is quarantined whose webhook id is known with other content. */
export const CONFLICT_PROBLEMS: BodyProblem[] = [
  { path: '/event_id', message: 'is known already, with other content' },
]
