import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PROBLEM_TYPE, problemDocument, sendProblem } from './problem.ts'
import type { ProblemCode } from './problem.ts'

/** Options for a listener: errors that Node's parser and Fastify's router find are answered as problems, too. */
export const problemAnswers = {
  clientErrorHandler: answerParserError,
  frameworkErrors(_error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
    void sendProblem(reply, 'request_invalid')
  },
}

/** What a route throws, or its body's parser, is answered as a problem. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>((error, _request, reply) => sendProblem(reply, problemOf(error)))
}

/** What an error means to the caller, by the status that Fastify gave it. Any other error is the relay's own fault. */
export function problemOf({
  statusCode = 500,
}: {
  statusCode?: number
}): 'body_too_large' | 'request_invalid' | 'internal' {
  if (statusCode === 413) return 'body_too_large'
  return statusCode < 500 ? 'request_invalid' : 'internal'
}

/** Written by hand, because what the parser could not read has become neither a request nor a reply. */
function answerParserError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const { status, body } = problemDocument(parserProblem(error))
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${PROBLEM_TYPE}\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
  socket.destroy()
}

function parserProblem({ code }: { code?: string }): ProblemCode {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout'
  return code === 'HPE_HEADER_OVERFLOW' ? 'headers_too_large' : 'request_invalid'
}
