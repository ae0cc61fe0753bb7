import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { launch, type Page } from 'puppeteer-core'
import { build } from 'vite'

/** All that `source` needs as one module. */
const bundle = async (source: string): Promise<string> => {
  const entry = 'virtual:entry'
  // Suites say what they expect in the words of the test runner, which itself is not for browsers; what it checks with is.
  const runner = 'virtual:runner'
  const expectation = `
    import { chai, JestAsymmetricMatchers, JestChaiExpect } from '@vitest/expect'
    import { spyOn } from '@vitest/spy'
    chai.use(JestChaiExpect)
    chai.use(JestAsymmetricMatchers)
    export const expect = chai.expect
    export const vi = { spyOn }`
  const sources: Readonly<Record<string, string>> = { [entry]: source, [runner]: expectation }
  const result = await build({
    configFile: false,
    logLevel: 'error',
    plugins: [{ name: 'entry', enforce: 'pre', resolveId: (id) => (id === 'vitest' ? runner : id in sources ? id : undefined), load: (id) => sources[id] }],
    build: { write: false, minify: false, target: 'es2023', rollupOptions: { input: entry } },
  })
  const outputs = Array.isArray(result) ? result.flatMap(({ output }) => output) : 'output' in result ? result.output : []
  const chunk = outputs.find((output) => output.type === 'chunk')
  if (chunk?.type !== 'chunk') throw new Error('the bundle has no chunk')
  return chunk.code
}

/** A page on `localhost` is a secure context, which WebCrypto asks for. */
const serve = async (code: string): Promise<{ readonly origin: string; readonly close: () => void }> => {
  const server = createServer((request, response) => {
    const isCode = request.url === '/code.js'
    response.setHeader('content-type', isCode ? 'text/javascript' : 'text/html').end(isCode ? code : '<!doctype html><script type="module" src="code.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  return { origin: `http://localhost:${(server.address() as AddressInfo).port}/`, close: () => server.close() }
}

/** A page in Firefox that has run `source`, a module whose imports begin at the project's root. */
export const openFirefoxPage = async (source: string): Promise<{ readonly page: Page; readonly close: () => Promise<void> }> => {
  const server = await serve(await bundle(source))
  const browser = await launch({ browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true })
  const page = await browser.newPage()
  await page.goto(server.origin, { waitUntil: 'load' })
  return {
    page,
    close: async () => {
      await browser.close()
      server.close()
    },
  }
}
