// Writes a bill of materials of what runs in production (CycloneDX, or SPDX with --spdx) to standard output, by npm itself:
//
//   npm run --silent sbom > sbom.json
//
// `npm sbom --omit dev` alone would leave out every package that a development tool needs too, such as `pg`. So npm is given a
// lockfile that has the others taken out.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const read = (name) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'))
const lock = read('package-lock.json')
const manifest = { ...read('package.json'), devDependencies: {}, optionalDependencies: {} }

const isInProduction = ({ dev, optional, devOptional }) => !dev && !optional && !devOptional
const packages = Object.fromEntries(Object.entries(lock.packages).filter(([, one]) => isInProduction(one)))
packages[''] = { ...packages[''], devDependencies: {}, optionalDependencies: {} }

// The folder's name is the name that npm gives to the whole.
const parent = mkdtempSync(join(tmpdir(), 'seam-relay-sbom-'))
try {
  const put = (name, content) => writeFileSync(join(parent, name), JSON.stringify(content))
  put('package.json', manifest)
  put('package-lock.json', { ...lock, packages })
  const format = process.argv.includes('--spdx') ? 'spdx' : 'cyclonedx'
  const args = ['sbom', '--package-lock-only', `--sbom-format=${format}`, '--sbom-type=application']
  const bill = JSON.parse(execFileSync('npm', args, { cwd: parent, encoding: 'utf8' }))
  if (format === 'cyclonedx') bill.metadata.component.name = manifest.name
  else bill.name = `${manifest.name}@${manifest.version}`
  process.stdout.write(`${JSON.stringify(bill, null, 2)}\n`)
} finally {
  rmSync(parent, { recursive: true })
}
