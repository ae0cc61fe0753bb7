import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { appPolicy, cacheControl, commonHeaders } from '../../src/hub/headers.ts'

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm', '.svg': 'image/svg+xml', '.webmanifest': 'application/manifest+json', '.json': 'application/json' }

/** A hub that serves the built app with its headers, introduces nobody, and can be switched off for good. */
export const serveApp = async (): Promise<{ readonly origin: string; readonly off: () => Promise<void> }> => {
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? '/', 'http://localhost').pathname
    const headers = { ...commonHeaders, 'Content-Security-Policy': appPolicy([]), 'Cache-Control': cacheControl(name) }
    if (name.startsWith('/introduce') || name === '/config.json') return response.writeHead(404, headers).end()
    const file = path.join('dist/app', name)
    const found = existsSync(file) && statSync(file).isFile() ? file : 'dist/app/index.html'
    response.writeHead(200, { ...headers, 'Content-Type': TYPES[path.extname(found)] ?? 'application/octet-stream' })
    return createReadStream(found).pipe(response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    off: () => new Promise((done) => {
      server.close(() => done())
      server.closeAllConnections()
    }),
  }
}
