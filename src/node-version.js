// Loaded before the program (`node --import`), in plain JavaScript, because an older Node cannot read the
// TypeScript that follows and would answer with a stack trace where one line says what to do.
const oldest = 24
if (Number(process.versions.node.split('.')[0]) < oldest) {
  process.stderr.write(
    `seam-relay needs Node ${oldest} or newer; this is Node ${process.versions.node}. ` +
      `On Linux "npm ci" brings one of its own to the npm scripts; elsewhere install it from https://nodejs.org.\n`,
  )
  process.exit(1)
}
