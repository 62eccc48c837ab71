import { once } from 'node:events'
import { basename } from 'node:path'

/** One thread of an inspected process, which has a heap and an event loop of its own. */
export interface Thread {
  /** `main`, or the file that a worker runs. */
  name: string
  /** Collects everything that nothing refers to any more. */
  collectGarbage(): Promise<void>
  /** The value of an expression of JSON, as the thread sees it. */
  evaluate<T>(expression: string): Promise<T>
}

interface Message {
  id?: number
  method?: string
  params?: { sessionId: string; message: string; workerInfo: { url: string } }
  result?: { result: { value: string } }
  error?: { message: string }
}

/**
 * Looks into a process that was started with `--inspect`, by the protocol that debuggers use: the program under
 * measurement needs no code for it, and runs as always.
 */
export async function inspect<T>(url: string, look: (threads: readonly Thread[]) => Promise<T>): Promise<T> {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  const workers = new Map<string, Channel>()
  const threads: Thread[] = []
  const main = new Channel((text) => socket.send(text))
  main.onEvent = ({ method, params }) => {
    if (params === undefined) return
    const { sessionId, message, workerInfo } = params
    if (method === 'NodeWorker.receivedMessageFromWorker') workers.get(sessionId)?.receive(message)
    if (method !== 'NodeWorker.attachedToWorker') return
    const worker = new Channel(
      (text) => void main.ask('NodeWorker.sendMessageToWorker', { sessionId, message: text }),
    )
    workers.set(sessionId, worker)
    threads.push(threadOf(basename(workerInfo.url), worker))
  }
  socket.addEventListener('message', ({ data }) => main.receive(String(data)))
  socket.addEventListener('close', () => {
    for (const channel of [main, ...workers.values()]) channel.fail()
  })
  try {
    // Answered once every worker was announced.
    await main.ask('NodeWorker.enable', { waitForDebuggerOnStart: false })
    return await look([threadOf('main', main), ...threads])
  } finally {
    socket.close()
  }
}

function threadOf(name: string, channel: Channel): Thread {
  return {
    name,
    async collectGarbage() {
      await channel.ask('HeapProfiler.collectGarbage')
    },
    async evaluate<T>(expression: string) {
      const said = await channel.ask('Runtime.evaluate', { expression: `JSON.stringify(${expression})` })
      return JSON.parse(said?.result.value as string) as T
    },
  }
}

/** Questions and answers, matched by their numbers. */
class Channel {
  onEvent: (message: Message) => void = () => {}
  readonly #send: (text: string) => void
  readonly #waiting = new Map<number, (message: Message) => void>()
  #asked = 0

  constructor(send: (text: string) => void) {
    this.#send = send
  }

  ask(method: string, params: object = {}): Promise<Message['result']> {
    const id = ++this.#asked
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result)
        else reject(new Error(`${method}: ${error.message}`))
      })
      this.#send(JSON.stringify({ id, method, params }))
    })
  }

  receive(text: string): void {
    const message = JSON.parse(text) as Message
    if (message.id === undefined) return this.onEvent(message)
    this.#waiting.get(message.id)?.(message)
    this.#waiting.delete(message.id)
  }

  fail(): void {
    for (const answer of this.#waiting.values()) answer({ error: { message: 'the process has gone' } })
    this.#waiting.clear()
  }
}
