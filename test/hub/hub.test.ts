import { statSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import os from 'node:os'
import { createServer } from 'node:net'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { X509Certificate } from 'node:crypto'
import { type RawData, WebSocket } from 'ws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HubProcess, makeDataFolder, removeDataFolder, runHub, startHub } from './hub-process.ts'

interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

const get = (url: string, headers: Readonly<Record<string, string>> = {}, ca?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const options = { headers, agent: false, ...(ca === undefined ? {} : { ca }) }
    const request = (url.startsWith('https:') ? https : http).get(url, options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }))
    })
    request.on('error', reject)
  })

const authorityOf = (folder: string): string => (JSON.parse(readFileSync(path.join(folder, 'authority.json'), 'utf8')) as { certificate: string }).certificate
const leafOf = (folder: string): X509Certificate => new X509Certificate((JSON.parse(readFileSync(path.join(folder, 'leaf.json'), 'utf8')) as { certificate: string }).certificate)
const html = { accept: 'text/html' }
const folders: string[] = []
const folder = (): string => {
  const made = makeDataFolder()
  folders.push(made)
  return made
}

let hub: HubProcess
let ca: string
const local = (place: string): string => `http://localhost:${hub.httpPort}${place}`
const secure = (place: string): string => `https://localhost:${hub.httpsPort}${place}`
/** By an address of the LAN: same server, other name. */
const asTablet = (headers: Readonly<Record<string, string>> = {}) => ({ ...html, host: `192.168.7.7:${hub.httpPort}`, ...headers })

beforeAll(async () => {
  hub = await startHub(folder())
  ca = authorityOf(hub.dataFolder)
})
afterAll(async () => {
  await hub.stop()
  folders.forEach(removeDataFolder)
})

describe('serving', () => {
  test('[G9] the app comes with a policy that lets it load and reach nothing but this hub', async () => {
    for (const answer of [await get(local('/'), html), await get(secure('/'), html, ca)]) {
      expect(answer.status).toBe(200)
      expect(answer.headers['cache-control']).toBe('no-cache')
      expect(answer.headers['x-content-type-options']).toBe('nosniff')
      const policy = String(answer.headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("require-trusted-types-for 'script'")
      const hosts = [...policy.matchAll(/(?:https|wss):\/\/(\S+?):\d+(?=[ ;])/g)].map((match) => match[1])
      const own = [...Object.values(os.networkInterfaces()).flatMap((list) => (list ?? []).map((one) => one.address)), 'localhost', os.hostname(), `${os.hostname()}.local`]
      expect(hosts.filter((host) => !own.includes(String(host).replace(/^\[|\]$/g, '')))).toEqual([])
    }
  })

  test('files with a hash never expire, pages and the service worker are asked for again', async () => {
    const page = (await get(local('/'), html)).body.toString()
    const asset = /(?:src|href)="(\/assets\/[^"]+)"/.exec(page)?.[1] ?? ''
    expect((await get(local(asset))).headers['cache-control']).toBe('public, max-age=31536000, immutable')
    for (const place of ['/sw.js', '/manifest.webmanifest', '/config.json']) {
      const answer = await get(local(place))
      expect([place, answer.status, answer.headers['cache-control']]).toEqual([place, 200, 'no-cache'])
    }
  })

  test('a page below is the app, a missing file is not', async () => {
    expect((await get(local('/swarm'), html)).body.toString()).toContain('<html')
    expect((await get(local('/assets/none.js'), html)).status).toBe(404)
    expect((await get(local('/../../package.json'))).status).toBe(404)
  })

  test('config.json names this hub under each address of the LAN, and no server of anyone else', async () => {
    const config: unknown = JSON.parse((await get(secure('/config.json'), {}, ca)).body.toString())
    const lan = Object.values(os.networkInterfaces()).flatMap((list) => (list ?? []).filter((one) => !one.internal && !one.address.startsWith('fe80')))
    expect(config).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
      hubs: expect.arrayContaining(lan.map(({ address, family }) => `https://${family === 'IPv6' ? `[${address}]` : address}:${hub.httpsPort}`)) as string[],
      introduce: { path: '/introduce', key: 'millpond' },
      stun: expect.arrayContaining(lan.filter(({ family }) => family === 'IPv4').slice(0, 1).map(({ address }) => expect.stringMatching(new RegExp(`^stun:${address}:\\d+$`)) as string)) as string[],
    })
  })
})

describe('trust', () => {
  test('a tablet on plain HTTP gets the page that leads to HTTPS, in its language, without a script', async () => {
    const english = await get(local('/'), asTablet())
    expect(english.body.toString()).toContain('Set up this tablet')
    const german = (await get(local('/any'), asTablet({ 'accept-language': 'de-AT,de;q=0.9,en;q=0.8', 'user-agent': 'Mozilla/5.0 (Linux; Android 15)' }))).body.toString()
    expect(german).toContain('Dieses Tablet einrichten')
    expect(german).toMatch(/<details name="device" open>\s*<summary>Android/)
    expect(german).toMatch(new RegExp(`href="https://[^"]+:${hub.httpsPort}/"`))
    expect(german).not.toContain('<script')
    expect(english.headers['content-security-policy']).not.toContain('script-src')
    expect((await get(local('/trust.css'))).body.toString()).toContain('--ground')
  })

  test('the authority can be downloaded in three forms', async () => {
    const der = Buffer.from(new X509Certificate(ca).raw)
    expect((await get(local('/ca.crt'), asTablet())).body).toEqual(der)
    expect((await get(local('/ca.cer'), asTablet())).body).toEqual(der)
    const profile = await get(local('/ca.mobileconfig'), asTablet())
    expect(profile.headers['content-type']).toContain('application/x-apple-aspen-config')
    expect(profile.body.toString()).toContain(`<data>${der.toString('base64')}</data>`)
  })

  test('who trusts the authority trusts localhost and each address; keys are for the owner alone', async () => {
    expect((await get(secure('/config.json'), {}, ca)).status).toBe(200)
    const leaf = leafOf(hub.dataFolder)
    for (const [name, list] of Object.entries(os.networkInterfaces())) {
      for (const one of (list ?? []).filter((entry) => !entry.internal && !entry.address.startsWith('fe80'))) expect([name, leaf.checkIP(one.address)]).toEqual([name, one.address])
    }
    expect(statSync(hub.dataFolder).mode & 0o777).toBe(0o700)
    expect(statSync(path.join(hub.dataFolder, 'authority.json')).mode & 0o777).toBe(0o600)
    expect(statSync(path.join(hub.dataFolder, 'leaf.json')).mode & 0o777).toBe(0o600)
  })

  test('a restart keeps authority and certificate; a certificate that has not all names is renewed', async () => {
    const data = folder()
    await (await startHub(data)).stop()
    const [authority, leaf] = [authorityOf(data), leafOf(data).fingerprint256]
    await (await startHub(data)).stop()
    expect([authorityOf(data), leafOf(data).fingerprint256]).toEqual([authority, leaf])
    await (await startHub(data, ['--host', '127.0.0.1'])).stop()
    expect(authorityOf(data)).toBe(authority)
    expect(leafOf(data).fingerprint256).not.toBe(leaf)
    expect(leafOf(data).subjectAltName).not.toContain('192.')
  })

  test('it warns when tablets were installed from an address that is not its own any more', async () => {
    const data = folder()
    writeFileSync(path.join(data, 'origins.json'), JSON.stringify(['https://192.168.99.99:8443']))
    const started = await startHub(data)
    await started.stop()
    expect(started.output()).toContain('WARNING: tablets were installed from https://192.168.99.99:8443')
  })
})

describe('introductions', () => {
  const textOf = (data: RawData): string => (Buffer.isBuffer(data) ? data.toString() : '')
  const open = (id: string, base: string): Promise<WebSocket> => {
    const socket = new WebSocket(`${base.replace(/^http/, 'ws')}/introduce/peerjs?key=millpond&id=${id}&token=t${id}`, { ca })
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.once('message', (data) => {
        if (textOf(data).includes('"OPEN"')) resolve(socket)
        else reject(new Error(textOf(data)))
      })
    })
  }
  const message = (socket: WebSocket): Promise<unknown> => new Promise((resolve) => socket.once('message', (data) => resolve(JSON.parse(textOf(data)))))
  const closed = (socket: WebSocket): Promise<number> => new Promise((resolve) => socket.once('close', resolve))

  test('[G9] a page on localhost and a tablet on HTTPS are listed together and hear each other', async () => {
    const [first, second] = [await open('aa', local('')), await open('bb', secure(''))]
    const peers = JSON.parse((await get(secure('/introduce/millpond/peers'), {}, ca)).body.toString()) as string[]
    expect(peers.toSorted()).toEqual(['aa', 'bb'])
    const heard = message(second)
    first.send(JSON.stringify({ type: 'OFFER', dst: 'bb', payload: { sdp: 'x' } }))
    expect(await heard).toEqual({ type: 'OFFER', src: 'aa', dst: 'bb', payload: { sdp: 'x' } })
    first.terminate()
    second.terminate()
  })

  test('[G7] an oversized message and a flood end the socket that sent it, noise harms nobody', async () => {
    const [large, flood, noise] = [await open('cc', local('')), await open('dd', local('')), await open('ee', local(''))]
    const ends = [closed(large), closed(flood)]
    large.send('x'.repeat(64 * 1024 + 1))
    for (let count = 0; count < 60; count++) flood.send('{"type":"HEARTBEAT"}')
    noise.send('null')
    noise.send('{')
    expect(await Promise.all(ends)).toEqual([1009, 1008])
    const echo = message(noise)
    noise.send(JSON.stringify({ type: 'OFFER', dst: 'ee', payload: 1 }))
    expect(await echo).toMatchObject({ src: 'ee', payload: 1 })
    noise.terminate()
  })

  test('[G7] another key, and another site, are refused', async () => {
    const socket = new WebSocket(`${local('').replace(/^http/, 'ws')}/introduce/peerjs?key=peerjs&id=ff&token=t`)
    const answer = message(socket)
    expect(await answer).toMatchObject({ type: 'ERROR' })
    const listed = await get(local('/introduce/millpond/peers'), { origin: 'https://elsewhere.example' })
    expect(listed.headers['access-control-allow-origin']).toBeUndefined()
    socket.terminate()
  })
})

describe('what goes wrong ends with one line and a code', () => {
  const expectEnd = async (args: readonly string[], words: RegExp, command: readonly string[] = []): Promise<void> => {
    const { code, output } = await runHub(args, command)
    expect([code, output.trim().split('\n').length]).toEqual([1, 1])
    expect(output).toMatch(words)
  }

  test('[G6] a port in use', async () => {
    await expectEnd(['--data', folder(), '--port', String(hub.httpPort), '--https-port', '0'], /^HUB-PORT: port \d+ is in use by another program\. Choose another with --port\./)
    const other = createServer().listen(0)
    const port = (other.address() as { readonly port: number }).port
    await expectEnd(['--data', folder(), '--port', '0', '--https-port', String(port)], /^HUB-PORT: .*--https-port/)
    other.close()
  })

  test('[G6] a data folder that cannot be written or was damaged', async () => {
    const file = path.join(folder(), 'file')
    writeFileSync(file, '')
    await expectEnd(['--data', path.join(file, 'below')], /^HUB-DATA: .*--data/)
    const damaged = folder()
    writeFileSync(path.join(damaged, 'authority.json'), '{"certificate":1}')
    await expectEnd(['--data', damaged, '--port', '0', '--https-port', '0'], /^HUB-DATA: authority\.json/)
  })

  test('[G6] a flag that is unknown or of no use', async () => {
    await expectEnd(['--prot', '1'], /^HUB-OPTION: .*--prot/)
    await expectEnd(['--port', '70000'], /^HUB-OPTION: --port/)
  })

  test('[G6] no network', async () => {
    await expectEnd(['--data', folder(), '--port', '0', '--https-port', '0'], /^HUB-NETWORK: /, ['unshare', '--net'])
  })

  test('--help says all flags', async () => {
    const { code, output } = await runHub(['--help'])
    expect(code).toBe(0)
    for (const flag of ['--host', '--port', '--https-port', '--stun-port', '--data']) expect(output).toContain(flag)
  })
})
