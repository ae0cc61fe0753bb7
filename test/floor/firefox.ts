import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { launch, type Browser, type Page } from 'puppeteer-core'

/** A browser takes commands over a socket of its own namespace alone: what comes to the same port here is carried into it. */
export const carryInto = async (space: string): Promise<{ readonly port: number; readonly server: Server }> => {
  const server = createServer((socket) => {
    const relay = spawn('ip', ['netns', 'exec', space, process.execPath, '-e', `const s = require('node:net').connect(${port}, '127.0.0.1'); process.stdin.pipe(s).pipe(process.stdout); s.on('error', () => process.exit())`], { stdio: ['pipe', 'pipe', 'ignore'] })
    socket.pipe(relay.stdin)
    relay.stdout.pipe(socket)
    // Either end may go first, also by SIGKILL.
    relay.once('close', () => socket.destroy())
    socket.on('error', () => relay.kill())
    relay.stdin.on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { port, server }
}

/** Firefox in a network namespace, started through `script`, with a profile that lasts. */
export const openFirefox = async (space: string, script: string, profile: string): Promise<{ readonly browser: Browser; readonly page: Page; readonly ended: () => Promise<void> }> => {
  const { port, server } = await carryInto(space)
  const browser = await launch({ browser: 'firefox', executablePath: script, headless: true, userDataDir: profile, debuggingPort: port, acceptInsecureCerts: true, defaultViewport: { width: 1280, height: 800 } })
  const process = browser.process()
  const page = (await browser.pages())[0] ?? (await browser.newPage())
  return {
    browser,
    page,
    ended: async () => {
      if (process !== null && process.exitCode === null && process.signalCode === null) await once(process, 'exit')
      server.close()
    },
  }
}
