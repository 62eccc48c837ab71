import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { prepareQuestions } from './questions.ts'
import type { AnswerMessage, QuestionMessage } from './questions.ts'

// The reader's thread: one read-only connection, which answers one question after the other.

type AnyQuestion = (request: unknown, now: number) => unknown

const port = parentPort
if (port === null) throw new Error('this file is the entry of a worker thread')
const db = new DatabaseSync(workerData as string, { readOnly: true })
// Every statement reads all of its rows before it returns. So no read stays open between two questions, and the log
// can be copied back and begun anew.
db.exec('pragma busy_timeout = 2000; pragma cache_size = -4096; pragma temp_store = memory')
const questions = prepareQuestions(db)

port.on('message', (question: QuestionMessage | null) => {
  if (question === null) {
    db.close()
    port.close()
    return
  }
  port.postMessage(answerTo(question))
})

function answerTo({ name, request, now }: QuestionMessage): AnswerMessage {
  try {
    return { answer: (questions[name] as AnyQuestion)(request, now) }
  } catch (error) {
    return { failure: String(error) }
  }
}
