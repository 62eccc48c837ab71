import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { describeInBrowser } from '../../support/browser.ts'
import { startRelay } from '../../support/relay.ts'

describeInBrowser(
  'a page of somebody else',
  (visit) => {
    test('whose name resolves to this machine by now is told nothing', async () => {
      const relay = await startRelay()
      const { port } = new URL(relay.operatorUrl)
      const { page, complaints } = await visit(`http://rebound.example:${port}/`)
      await page.getByText('host_not_allowed').waitFor()
      const statuses = await page.evaluate(`(async () => {
        const calls = ['/api/overview', '/api/events', '/metrics', '/page/main.js'].map((path) => fetch(path))
        const replay = fetch('/api/replay', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
        return Promise.all([...calls, replay].map(async (call) => (await call).status))
      })()`)
      expect(statuses).toEqual([421, 421, 421, 421, 421])
      complaints.length = 0
    })

    test('cannot call across sites, and cannot put the page into a frame', async () => {
      const relay = await startRelay()
      const server = createServer((_request, response) =>
        response
          .writeHead(200, { 'content-type': 'text/html' })
          .end('<!doctype html><title>elsewhere</title>'),
      ).listen(0, '127.0.0.1')
      onTestFinished(() => server.close().closeAllConnections())
      await once(server, 'listening')
      const { page, complaints } = await visit(
        `http://elsewhere.example:${(server.address() as AddressInfo).port}/`,
      )
      const calls = await page.evaluate(`(async (url) => {
        const outcome = (call) => call.then((answer) => answer.type, () => 'refused')
        const body = '{"states":["dead"]}'
        const headers = { 'content-type': 'application/json' }
        return [
          await outcome(fetch(url + '/api/overview')),
          await outcome(fetch(url + '/api/replay', { method: 'POST', body, headers })),
          await outcome(fetch(url + '/api/replay', { method: 'POST', body, mode: 'no-cors' })),
        ]
      })('${relay.operatorUrl}')`)
      expect(calls).toEqual(['refused', 'refused', 'refused'])
      // The last one was sent all the same, as any page may.
      expect(await relay.app.listReplays(1)).toEqual([])
      await page.evaluate(`new Promise((resolve) => {
        const frame = Object.assign(document.createElement('iframe'), { src: '${relay.operatorUrl}', onload: resolve })
        document.body.append(frame)
      })`)
      const frames = page.frames().filter((frame) => frame !== page.mainFrame())
      const shown = await Promise.all(frames.map((frame) => frame.locator('main').count()))
      expect(shown).toEqual([0])
      complaints.length = 0
    })
  },
  { args: ['--host-resolver-rules=MAP *.example 127.0.0.1'] },
)
