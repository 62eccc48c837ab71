/** One message of a stream of server-sent events. */
export interface ServerSentEvent {
  /** `message` unless the stream names it. */
  event: string
  /** `null`: no message, only an id to come back with. */
  data: string | null
  /** The last id so far, which may be an earlier message's. */
  id: string | null
}

/** No message of seam-relay is longer. What sends longer ones is something else. */
const MAX_LINE_CHARACTERS = 1_048_576

/**
 * Reads server-sent events from bytes that come in pieces of any size. Source: the HTML standard, "Interpreting an event
 * stream".
 * @throws {Error} if a line does not end
 */
export async function* serverSentEvents(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent, void> {
  let id: string | null = null
  let idBefore: string | null = null
  let event = ''
  let data: string[] = []
  for await (const line of linesOf(pieces)) {
    if (line === '') {
      if (data.length > 0) yield { event: event || 'message', data: data.join('\n'), id }
      else if (id !== idBefore) yield { event: 'message', data: null, id }
      idBefore = id
      event = ''
      data = []
      continue
    }
    // A line that begins with a colon is a comment: it keeps the connection alive.
    const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (name === 'data') data.push(value)
    else if (name === 'event') event = value
    else if (name === 'id' && !value.includes('\0')) id = value
  }
}

async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const piece of pieces) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE_CHARACTERS) throw new Error('a line of the stream does not end')
    yield* lines
  }
}
