import packageJson from '../package.json' with { type: 'json' }

/** seam-relay's own version. */
export const VERSION = packageJson.version
