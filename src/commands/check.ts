import { readConfig } from '../config.ts'
import type { Config } from '../config.ts'
import { hooksFileSchema } from '../config/hooks-file-schema.ts'
import { ConfigError } from '../config/mistake.ts'
import type { Mistake } from '../config/mistake.ts'
import { EXIT } from './command-error.ts'
import type { ExitCode } from './command-error.ts'
import type { Frame, Surroundings } from './frame.ts'
import { harmless, harmlessJson } from './harmless.ts'
import { aligned } from './layout.ts'

interface CheckOptions {
  schema?: true
  json?: true
}

/** `relay check`: reads the settings and the hooks file as a start would, and starts nothing. */
export function addCheck({ program, surroundings, ending }: Frame): void {
  program
    .command('check')
    .description('reads the settings and the hooks file as a start would, and lists every mistake')
    .option('--schema', 'prints the JSON schema of the hooks file instead, for editors')
    .option('--json', 'answers in JSON')
    .action(ending(async (options: CheckOptions) => check(surroundings, options)))
}

function check({ environment, terminal }: Surroundings, { schema, json }: CheckOptions): ExitCode {
  if (schema === true) {
    terminal.say(JSON.stringify(hooksFileSchema(), null, 2))
    return EXIT.well
  }
  const judged = judge(environment)
  if (json === true) terminal.say(harmlessJson(documentOf(judged)))
  else if ('mistakes' in judged) terminal.complain(mistakesOf(judged.mistakes).join('\n'))
  else terminal.say(summaryOf(judged).join('\n'))
  return 'mistakes' in judged ? EXIT.configuration : EXIT.well
}

type Judged = Config | { mistakes: readonly Mistake[] }

function judge(environment: NodeJS.ProcessEnv): Judged {
  try {
    return readConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return { mistakes: error.mistakes }
    throw error
  }
}

function documentOf(judged: Judged): object {
  if ('mistakes' in judged) return { fine: false, mistakes: judged.mistakes }
  const hooks = judged.hooks.map(({ name }) => name)
  return { fine: true, hooks, warnings: judged.warnings }
}

/** One mistake a line, and below it what was expected and what was found. */
export function mistakesOf(mistakes: readonly Mistake[]): string[] {
  const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`
  return [
    `the configuration has ${count}; seam-relay would not start:`,
    ...mistakes.flatMap(({ where, expected, found }) => [
      `  ${harmless(where)}`,
      `    expected  ${harmless(expected)}`,
      `    found     ${harmless(found)}`,
    ]),
  ]
}

function summaryOf({ hooks, store, publicListener, operatorListener, warnings }: Config): string[] {
  const names = hooks.map(({ name, url }) => [`  ${name}`, new URL(url).host])
  return [
    'fine: seam-relay would start with these settings.',
    ...aligned([
      ['webhooks at', `${publicListener.host}, port ${publicListener.port}`],
      ['operators at', `${operatorListener.host}, port ${operatorListener.port}`],
      [
        'store',
        store.kind === 'sqlite' ? `the file ${store.path}` : `Postgres at ${new URL(store.url).host}`,
      ],
      ['hooks', hooks.length === 0 ? 'none: events are kept and not delivered' : String(hooks.length)],
      ...names,
    ]).map(harmless),
    ...warnings.flatMap(({ where, advice }) => ['', `warning: ${where}: ${harmless(advice)}`]),
  ]
}
