import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'

const PACKAGE = new URL('../../node_modules/@sparticuz/chromium/', import.meta.url)
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))

const FONTS_CONFIG = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir></fontconfig>
`

/**
 * The browser that `CHROMIUM_PATH` names, or else the one that the package `@sparticuz/chromium` brings, for Linux on
 * x64. It is unpacked (2 s, 190 MB) beside the packages, once for each version.
 */
export async function chromiumProgram(): Promise<string | undefined> {
  const given = process.env['CHROMIUM_PATH']
  if (given) return given
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const { version } = JSON.parse(await readFile(new URL('package.json', PACKAGE), 'utf8')) as {
    version: string
  }
  const folder = join(cache(), `chromium-${version}`)
  if (!existsSync(folder)) await unpackInto(folder)
  return join(folder, 'chromium')
}

/** Beside the packages; where somebody else has installed them, in a folder for this run alone. */
function cache(): string {
  try {
    mkdirSync(CACHE, { recursive: true })
    accessSync(CACHE, constants.W_OK)
    return CACHE
  } catch {
    const folder = mkdtempSync(join(tmpdir(), 'seam-relay-chromium-'))
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    return folder
  }
}

/** Starts the browser, or the one of this path. */
export async function launchChromium(path?: string, args: readonly string[] = []): Promise<Browser> {
  const program = path ?? (await chromiumProgram())
  if (program === undefined) throw new Error('no Chromium comes for this system: set CHROMIUM_PATH')
  return chromium.launch({
    executablePath: program,
    // In a container the shared memory is small, and a sandbox cannot be had as root. The pages are our own.
    args: ['--no-sandbox', '--headless=shell', '--disable-dev-shm-usage', ...args],
    env: { ...process.env, ...fontsOf(program) } as Record<string, string>,
  })
}

/** Fonts where the system has none: without any, Chromium draws no text. */
function fontsOf(program: string): Record<string, string> {
  const fonts = join(dirname(program), 'fonts')
  return existsSync('/etc/fonts/fonts.conf') || !existsSync(fonts) ? {} : { FONTCONFIG_PATH: fonts }
}

/** Whole or not at all: another run may be unpacking at the same time. */
async function unpackInto(folder: string): Promise<void> {
  const draft = await mkdtemp(`${folder}-`)
  const temporary = process.env['TMPDIR']
  try {
    const { inflate } = await import('@sparticuz/chromium')
    // The package unpacks into the system's temporary folder, where somebody else's would be taken for ours.
    process.env['TMPDIR'] = draft
    await Promise.all(
      ['chromium.br', 'fonts.tar.br'].map((name) => inflate(fileURLToPath(new URL(`bin/${name}`, PACKAGE)))),
    )
    // The one that comes with them names a folder that is not this one.
    await writeFile(join(draft, 'fonts', 'fonts.conf'), FONTS_CONFIG)
    await rename(draft, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
  } finally {
    if (temporary === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = temporary
    await rm(draft, { recursive: true, force: true })
  }
}
