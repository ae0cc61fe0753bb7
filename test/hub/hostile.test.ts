import { connect } from 'node:net'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeDataFolder, removeDataFolder, startHub, type HubProcess } from './hub-process.ts'

let hub: HubProcess
let secrets: readonly string[]

beforeAll(async () => {
  hub = await startHub(makeDataFolder())
  secrets = ['authority', 'leaf'].map((name) => (JSON.parse(readFileSync(path.join(hub.dataFolder, `${name}.json`), 'utf8')) as { readonly key: string }).key.slice(60, 120))
})
afterAll(async () => {
  await hub.stop()
  removeDataFolder(hub.dataFolder)
})

/** Says it byte for byte, as no client would. @returns all that came back */
const say = (request: string | Buffer, patienceMs = 0): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(hub.httpPort, 'localhost')
    let answer = ''
    socket.on('data', (chunk: Buffer) => void (answer += chunk.toString('latin1')))
    socket.on('close', () => resolve(answer))
    // Who is refused in the middle of saying it may find the connection gone.
    socket.on('error', (error: NodeJS.ErrnoException) => (['ECONNRESET', 'EPIPE'].includes(error.code ?? '') ? resolve(answer) : reject(error)))
    // Who was let in stays connected.
    if (patienceMs > 0) socket.setTimeout(patienceMs, () => socket.destroy())
    socket.write(request)
  })
const get = (place: string, more = ''): Promise<string> => say(`GET ${place} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n${more}Connection: close\r\n\r\n`)
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0)

test.each([
  '/../package.json', '/../../data/authority.json', '/%2e%2e/%2e%2e/package.json', '/..%2f..%2fpackage.json', '/assets/..%5c..%5cpackage.json', '/assets/../../hub/main.js', '//etc/passwd', '/.git/config', '/%00', '/assets/%ff',
  '/authority.json', '/data/leaf.json', 'http://elsewhere/../../package.json', '/introduce/../../package.json', '/introduce/millpond/../../../package.json',
])('[G7] %s gets nothing but the app, and never a key', async (place) => {
  const answer = await get(place)
  expect(answer).not.toContain('"devDependencies"')
  expect(answer).not.toContain('root:')
  for (const secret of secrets) expect(answer).not.toContain(secret)
  expect([400, 401, 403, 404]).toContain(statusOf(answer))
})

test('[G7] nothing can be stored at the hub, whatever the method and however large', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    expect(statusOf(await say(`${method} /assets/x.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`))).toBe(404)
  }
  const large = Buffer.concat([Buffer.from('POST /introduce/millpond/id HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 20000000\r\n\r\n'), Buffer.alloc(20_000_000, '[')])
  expect([0, 404, 413]).toContain(statusOf(await say(large)))
  expect(statusOf(await get('/', `X-Long: ${'x'.repeat(20_000)}\r\n`))).toBe(431)
  expect(statusOf(await say('nonsense\r\n\r\n'))).toBe(400)
  expect(statusOf(await get('/config.json'))).toBe(200)
})

test('[G7] no upgrade of any form ends the hub', async () => {
  for (const place of ['//', '/introduce/peerjs', '/introduce/peerjs?', '/introduce/peerjs?id=%&token=%ff&key=millpond', '/introduce/peerjs?id=a&id=b&token=', 'http://[/introduce/peerjs', '/introduce/%00', '*']) {
    for (const key of ['', 'Sec-WebSocket-Key: x\r\n', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ,,\r\n']) {
      await say(`GET ${place} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n${key}\r\n`, 200)
    }
  }
  expect(statusOf(await get('/config.json'))).toBe(200)
})

test('[G7] who opens it under another name is not led there, and no other site may read what it says', async () => {
  const page = await say('GET / HTTP/1.1\r\nHost: attacker.example\r\nAccept: text/html\r\nOrigin: https://attacker.example\r\nX-Forwarded-Host: attacker.example\r\nConnection: close\r\n\r\n')
  expect(page).not.toContain('attacker.example')
  for (const place of ['/config.json', '/introduce/millpond/peers']) {
    expect((await get(place, 'Origin: https://attacker.example\r\n')).toLowerCase()).not.toContain('access-control-allow-origin: https://attacker')
  }
})
