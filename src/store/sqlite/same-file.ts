import { statSync } from 'node:fs'

const LOOK_EVERY_MS = 1000

/**
 * Throws once the path no longer leads to the file that is open: what is written then goes into a file that nobody
 * finds again. Looks at most once a second, so that a commit costs no more for it; passes again if the file is put back.
 */
export function watchFile(path: string | null): (steadyMs: number) => void {
  const watched = path === null ? [] : [path, `${path}-wal`].map((name) => ({ name, id: identity(name) }))
  let lookAt = 0
  let gone: string | undefined
  return (steadyMs) => {
    if (steadyMs >= lookAt) {
      lookAt = steadyMs + LOOK_EVERY_MS
      gone = watched.find(({ name, id }) => identity(name) !== id)?.name
    }
    if (gone === undefined) return
    throw new Error(
      `${gone} was removed or replaced while it was in use: put it back, or restart to go on with what is there now`,
    )
  }
}

function identity(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? null : `${found.dev}:${found.ino}`
}
