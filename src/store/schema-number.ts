// A schema's number is how many steps of the migrations it has had; a program's is how many it knows.

/** What a store says of its schema. */
export interface SchemaNumber {
  version: number
  /** The oldest program that can work on it; `null` where it does not say. */
  usableFrom: number | null
}

/** Whether a program that knows so many steps can work on the schema, after it has taken those that are missing. */
export function isUsable({ version, usableFrom }: SchemaNumber, known: number): boolean {
  return version <= known || (usableFrom !== null && usableFrom <= known)
}

/** Why it cannot. */
export function tooNew({ version, usableFrom }: SchemaNumber, known: number): string {
  const needed = usableFrom ?? version
  return `was written by a newer seam-relay (schema ${version}, which needs a program that knows ${needed}; this one knows ${known}): start the newer version, or restore a backup from before the upgrade`
}
