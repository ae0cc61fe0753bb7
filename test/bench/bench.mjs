// What a row measures with: the built page in real Chromium, on a disk of its own, one origin for each tablet.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { root, run } from '../../src/hub/setup.mjs'

const dist = path.join(root, 'dist/bench')
const log = path.join(root, '../shared/data/production-log.ndjson')
const types = { '.html': 'text/html', '.js': 'text/javascript' }
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--js-flags=--expose-gc']

export const median = (values) => quantile(values, 0.5)
export const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]

/** Pairs two tablets by code, as people would. */
export const connect = async (bench, a, b) => {
  const answer = await bench.call(b, 'answer', await bench.call(a, 'offer'))
  await bench.call(a, 'accept', answer)
  await Promise.all([a, b].map((page) => bench.call(page, 'paired')))
}

const serve = async () => {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    if (pathname === '/favicon.ico') return response.writeHead(204).end()
    const file = pathname === '/log.ndjson' ? log : path.join(dist, pathname === '/' ? 'index.html' : path.normalize(pathname))
    if (!existsSync(file)) return response.writeHead(404).end()
    // An isolated page has the fine clock.
    const headers = { 'Content-Type': types[path.extname(file)] ?? 'text/plain', 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
    response.writeHead(200, headers).end(readFileSync(file))
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return server
}

/**
 * Builds the page and starts Chromium.
 *
 * `page(tablet)` opens the page of a tablet: each name is an origin, a disk and a process of its own. Its functions are those of `page/main.ts`, called by
 * `call(page, name, ...given)`; `fresh()` names a tablet that was never used. `history(filling)` gives the name of a tablet whose disk holds that many events, made once in a run. `restart()` ends the browser and starts it
 * again on the same disks, so that nothing is warm. `cpuMs(page)` is what its main thread has worked so far, `heapBytes(page)` what is in use after a forced collection.
 * @param profile prints where the main thread of each page spent its time between `page` and the end of the row
 */
export const createBench = async ({ profile }) => {
  const { code, output } = await run(process.execPath, [path.join(root, 'test/bench/build.mjs'), ...(profile ? ['--readable'] : [])])
  if (code !== 0) throw new Error(`the page could not be built:\n${output}`)
  const server = await serve()
  const disk = mkdtempSync(path.join(os.tmpdir(), 'millpond-bench-'))
  const histories = new Map()
  const launch = () => chromium.launchPersistentContext(disk, { executablePath: '/usr/bin/chromium', args: flags, headless: true })
  let browser = await launch()
  const sessions = new Map()
  let count = 0

  const page = async (tablet) => {
    const opened = await browser.newPage()
    opened.on('pageerror', (error) => console.log(`page ${tablet}: ${error.stack}`))
    opened.on('console', (message) => message.type() === 'error' && console.log(`page ${tablet}: ${message.text()}`))
    const session = await browser.newCDPSession(opened)
    await session.send('Performance.enable')
    sessions.set(opened, session)
    await opened.goto(`http://${tablet}.localhost:${server.address().port}/`)
    await opened.waitForFunction(() => globalThis.bench !== undefined)
    return opened
  }
  const call = (opened, name, ...given) => opened.evaluate(([called, list]) => globalThis.bench[called](...list), [name, given])
  const close = async (opened) => {
    sessions.delete(opened)
    await opened.close()
  }
  const metric = async (opened, name) => (await sessions.get(opened).send('Performance.getMetrics')).metrics.find((each) => each.name === name).value
  const closePages = async () => {
    for (const opened of sessions.keys()) await close(opened)
  }
  return {
    page, call, close, closePages,
    fresh: () => `tablet-${++count}`,
    swarmOf: (history) => histories.get(history),
    cpuMs: async (opened) => 1000 * (await metric(opened, 'ThreadTime')),
    heapBytes: async (opened) => {
      await sessions.get(opened).send('HeapProfiler.collectGarbage')
      const { usedSize, backingStorageSize = 0 } = await sessions.get(opened).send('Runtime.getHeapUsage')
      return usedSize + backingStorageSize
    },
    /** What of a page should not grow. */
    handles: async (opened) => ({ listeners: await metric(opened, 'JSEventListeners'), documentNodes: await metric(opened, 'Nodes') }),
    history: async (filling) => {
      const name = `history-${filling.events}-${filling.streams}-${filling.perBatch}`
      if (histories.has(name)) return name
      const opened = await page(name)
      histories.set(name, await call(opened, 'makeHistory', filling))
      await close(opened)
      return name
    },
    restart: async () => {
      await closePages()
      await browser.close()
      browser = await launch()
    },
    /** Where the page's main thread spends its time while `work` is done; printed when asked for. */
    profiled: async (opened, work) => (profile ? printProfile(sessions.get(opened), work) : work()),
    version: () => browser.browser()?.version() ?? '',
    end: async () => {
      await browser.close()
      server.close()
      rmSync(disk, { recursive: true, force: true })
    },
  }
}

const printProfile = async (session, work) => {
  await session.send('Profiler.enable')
  await session.send('Profiler.setSamplingInterval', { interval: 200 })
  await session.send('Profiler.start')
  const result = await work()
  const { profile } = await session.send('Profiler.stop')
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]))
  const selfMs = new Map()
  profile.samples.forEach((id, at) => {
    const { functionName, url, lineNumber } = nodes.get(id)
    const place = `${functionName || '(no name)'} ${url.split('/').pop()}:${lineNumber + 1}`
    selfMs.set(place, (selfMs.get(place) ?? 0) + profile.timeDeltas[at] / 1000)
  })
  for (const [place, ms] of [...selfMs].sort((a, b) => b[1] - a[1]).slice(0, 40)) console.log(`${ms.toFixed(0).padStart(8)} ms  ${place}`)
  return result
}
