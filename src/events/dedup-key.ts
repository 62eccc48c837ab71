import { UUID_PATTERN } from './event.ts'

const uuidShape = new RegExp(UUID_PATTERN)
const SAMPLE_PREFIX = 'sample:'

/**
 * What makes an event that comes again a duplicate: its id. All samples have one id, so for them it is the sender's
 * message id. That is the sender's to choose: where it looks like the id of an event it gets a prefix, so that no
 * sample can take an event's place.
 */
export function dedupKey(event: { eventId: string; isSample: boolean }, messageId: string): string {
  if (!event.isSample) return event.eventId
  const needsPrefix = uuidShape.test(messageId) || messageId.startsWith(SAMPLE_PREFIX)
  return needsPrefix ? `${SAMPLE_PREFIX}${messageId}` : messageId
}
