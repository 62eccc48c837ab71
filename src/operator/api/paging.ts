import type { PageRequest } from '../../store/listings.ts'

const USUAL_LIMIT = 50

export function pageRequest({
  limit = USUAL_LIMIT,
  cursor,
}: {
  limit?: number
  cursor?: string
}): PageRequest {
  return { limit, ...(cursor === undefined ? {} : { after: cursor }) }
}
