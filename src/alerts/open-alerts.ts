import type { Alerts, AlertsOptions } from './alerts.ts'

/** Takes what a person should hear of. */
export type Announcer = Pick<
  Alerts,
  'deadLetter' | 'breakerOpened' | 'quarantined' | 'eventsMissed' | 'gapFound' | 'stop'
>

/** The alerts as they are configured. Without a URL nobody is told, and the code that posts is not even loaded. */
export async function openAlerts(
  url: string | undefined,
  options: Pick<AlertsOptions, 'overview' | 'log' | 'clock'>,
): Promise<Announcer> {
  if (url === undefined) return silent
  const { Alerts } = await import('./alerts.ts')
  return new Alerts({ url, ...options })
}

const silent: Announcer = {
  deadLetter() {},
  breakerOpened() {},
  quarantined() {},
  eventsMissed() {},
  gapFound() {},
  stop: () => Promise.resolve(),
}
