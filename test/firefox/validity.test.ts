import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { launch, type Browser } from 'puppeteer-core'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { validityCases } from '../stream/validity-cases.ts'

let browser: Browser | undefined
let server: Server | undefined
let verdicts: ReadonlyMap<string, string>

/** The table of cases with all it needs, as one module that leaves a promise of the verdicts on `globalThis`. */
const bundle = async (): Promise<string> => {
  const entry = 'virtual:validity'
  const source = `
    import { webCrypto } from '/src/node/web-crypto.ts'
    import { runValidityCases } from '/test/stream/validity-cases.ts'
    globalThis.verdicts = runValidityCases(webCrypto)`
  const result = await build({
    configFile: false,
    logLevel: 'error',
    plugins: [{ name: 'validity', resolveId: (id) => (id === entry ? entry : undefined), load: (id) => (id === entry ? source : undefined) }],
    build: { write: false, minify: false, rollupOptions: { input: entry } },
  })
  const outputs = Array.isArray(result) ? result.flatMap(({ output }) => output) : 'output' in result ? result.output : []
  const chunk = outputs.find((output) => output.type === 'chunk')
  if (chunk?.type !== 'chunk') throw new Error('the bundle has no chunk')
  return chunk.code
}

/** A page on `localhost` is a secure context, which WebCrypto asks for. */
const serve = async (code: string): Promise<number> => {
  const served = createServer((request, response) => {
    const isCode = request.url === '/validity.js'
    response.setHeader('content-type', isCode ? 'text/javascript' : 'text/html').end(isCode ? code : '<!doctype html><script type="module" src="validity.js"></script>')
  })
  server = served
  await new Promise<void>((resolve) => served.listen(0, 'localhost', resolve))
  return (served.address() as AddressInfo).port
}

beforeAll(async () => {
  const port = await serve(await bundle())
  browser = await launch({ browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true })
  const page = await browser.newPage()
  await page.goto(`http://localhost:${port}/`, { waitUntil: 'load' })
  verdicts = new Map(await page.evaluate(() => (globalThis as unknown as { verdicts: Promise<[string, string][]> }).verdicts))
}, 60_000)

afterAll(async () => {
  await browser?.close()
  server?.close()
})

test.each(validityCases)('$title: $expected', ({ title, expected }) => {
  expect(verdicts.get(title)).toBe(expected)
})
