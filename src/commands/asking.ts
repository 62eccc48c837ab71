import type { Command } from 'commander'
import { ApiClient } from './api-client.ts'
import type { Surroundings } from './frame.ts'
import { httpUrl, readSettings, urlOf } from './settings-at-hand.ts'

/** The options of every command that asks a running seam-relay. */
export interface AskingOptions {
  url?: string
  json?: true
}

export function withAskingOptions(command: Command): Command {
  return command
    .option('--url <url>', 'the operator listener to ask (default: that of the settings at hand)')
    .option('--json', 'answers in JSON')
    .addHelpText(
      'after',
      '\nIt signs in with OPERATOR_TOKEN, or with OPERATOR_READ_TOKEN if only that is set.',
    )
}

/** Asks with a client that is closed afterwards. */
export async function asking<T>(
  { environment }: Surroundings,
  { url }: AskingOptions,
  ask: (api: ApiClient) => Promise<T>,
): Promise<T> {
  const { address, token } = readSettings(environment, (read) => ({
    address: url ?? {
      host: read.text('OPERATOR_HOST') ?? '127.0.0.1',
      port: read.integer('OPERATOR_PORT', 3001, 0, 65_535),
    },
    token: read.text('OPERATOR_TOKEN') ?? read.text('OPERATOR_READ_TOKEN'),
  }))
  const base = typeof address === 'string' ? httpUrl(address, '--url').href : urlOf(address, '--url')
  const api = new ApiClient({ url: base, token })
  try {
    return await ask(api)
  } finally {
    await api.close()
  }
}
