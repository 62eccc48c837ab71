/** Where events and deliveries are stored. A URL may hold a password. */
export type StoreLocation = { kind: 'sqlite'; path: string } | { kind: 'postgres'; url: string }

export const STORE_EXPECTED = 'sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE'

/** Reads `sqlite:PATH` and `postgres://…`; `null` for anything else. */
export function storeLocation(text: string): StoreLocation | null {
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(text)?.[1]
  if (path !== undefined) return { kind: 'sqlite', path }
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return null
  // A second slash or an at sign here comes from a password that is not encoded: the host would be a piece of it.
  return /^\/[^/@]+$/.test(new URL(text).pathname) ? { kind: 'postgres', url: text } : null
}
