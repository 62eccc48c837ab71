import type { TestProject } from 'vitest/node'
import { chromiumProgram } from './chromium-program.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of a Chromium; `undefined` where there is none for this system. */
    chromium: string | undefined
  }
}

/** Unpacks the browser once, before the tests that want it would each do so. */
export async function setup(project: TestProject): Promise<void> {
  project.provide('chromium', await chromiumProgram())
}
