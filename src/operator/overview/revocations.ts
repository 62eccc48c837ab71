/** Events after which somebody should be out. While a hook has not got one of them, a door may be open. */
export const REVOCATIONS = [
  'acs_credential.deleted',
  'acs_credential.invalidated',
  'access_method.revoked',
  'access_method.deleted',
  'access_grant.deleted',
] as const

/** A delivery needs a moment. One that has waited longer is worth a person's look. */
export const REVOCATION_LATE_MS = 60_000
