/** How a thing was found: as it should be; to be looked at; wrong; or not looked at. */
export type State = 'ok' | 'look' | 'wrong' | 'skipped'

/** One line of what the doctor says. */
export interface Line {
  /** What was looked at: `store`, `clock`, a hook's name. */
  about: string
  state: State
  text: string
  /** What to do. Always there where something is wrong. */
  advice?: string
}

export function ok(about: string, text: string): Line {
  return { about, state: 'ok', text }
}

export function look(about: string, text: string, advice: string): Line {
  return { about, state: 'look', text, advice }
}

export function wrong(about: string, text: string, advice: string): Line {
  return { about, state: 'wrong', text, advice }
}

export function skipped(about: string, text: string): Line {
  return { about, state: 'skipped', text }
}
