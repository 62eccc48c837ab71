import { connect } from 'node:net'

/** Sends these characters to a listener as they stand, and gives back what came until the answer was whole or the connection closed. */
export function rawAnswer(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text))
    let answer = ''
    const end = () => {
      socket.destroy()
      resolve(answer)
    }
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      answer += chunk
      if (isWhole(answer)) end()
    })
    socket.once('end', end)
    socket.once('error', reject)
  })
}

function isWhole(answer: string): boolean {
  const headEnd = answer.indexOf('\r\n\r\n')
  const length = /content-length: (\d+)/i.exec(answer)?.[1]
  return headEnd >= 0 && length !== undefined && answer.length >= headEnd + 4 + Number(length)
}
