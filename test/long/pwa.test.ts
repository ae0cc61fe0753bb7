/// <reference types="node" />
import { createReadStream, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { appPolicy, cacheControl, commonHeaders } from '../../src/hub/headers.ts'

// The built app as a tablet keeps it: two versions are built, a small server stands for the hub, which is switched off and on.

const folder = mkdtempSync(path.join(tmpdir(), 'millpond-pwa-'))
const versionFolder = (version: number): string => path.join(folder, `version-${version}`)

/** The app as it is, with its version on `globalThis`. */
const buildVersion = async (version: number): Promise<void> => {
  const mark = { name: 'version', transform: (code: string, id: string) => (id.endsWith('/src/main.ts') ? `${code}\nglobalThis.version = ${version}\n` : undefined) }
  vi.stubEnv('NODE_ENV', 'production')
  await build({ logLevel: 'error', plugins: [mark], build: { outDir: versionFolder(version), emptyOutDir: true } })
  vi.unstubAllEnvs()
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png', '.woff2': 'font/woff2', '.wasm': 'application/wasm', '.webmanifest': 'application/manifest+json',
}

interface Hub {
  readonly origin: string
  /** Paths asked for, in order. */
  readonly asked: string[]
  serve: number
  readonly off: () => Promise<void>
  readonly on: () => Promise<void>
}

/** Serves a built version as the hub does, with its headers. */
const createHub = async (): Promise<Hub> => {
  const asked: string[] = []
  const server: Server = createServer((request, response) => {
    const name = new URL(request.url ?? '/', 'http://localhost').pathname
    asked.push(name)
    const headers = { ...commonHeaders, 'Content-Security-Policy': appPolicy([]), 'Cache-Control': cacheControl(name) }
    if (name === '/config.json') return response.writeHead(200, { ...headers, 'Content-Type': 'application/json' }).end(JSON.stringify({ version: '0', hubs: [], introduce: '/introduce', stun: [] }))
    if (name.startsWith('/introduce')) return response.writeHead(200, { ...headers, 'Content-Type': 'text/plain' }).end('introductions')
    const file = path.join(versionFolder(hub.serve), name)
    const found = existsSync(file) && statSync(file).isFile() ? file : path.join(versionFolder(hub.serve), 'index.html')
    response.writeHead(200, { ...headers, 'Content-Type': TYPES[path.extname(found)] ?? 'application/octet-stream' })
    return createReadStream(found).pipe(response)
  })
  const listen = (port: number): Promise<number> => new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
  const port = await listen(0)
  const off = (): Promise<void> => new Promise((resolve, reject) => {
    server.close((error) => (error === undefined || !server.listening ? resolve() : reject(error)))
    server.closeAllConnections()
  })
  const hub: Hub = { origin: `http://localhost:${port}`, asked, serve: 1, off, on: async () => void (await listen(port)) }
  return hub
}

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP tablet.test 127.0.0.1']

const openTablet = (profile: string): Promise<BrowserContext> => chromium.launchPersistentContext(profile, { executablePath: '/usr/bin/chromium', args: ARGUMENTS })

const versionOf = (page: Page): Promise<unknown> => page.waitForFunction(() => Reflect.get(globalThis, 'version')).then((handle) => handle.jsonValue())

/** Once the app is stored and this page is served from what is stored. */
const kept = (page: Page): Promise<unknown> => page.waitForFunction(async () => (await navigator.serviceWorker.ready) && navigator.serviceWorker.controller !== null)

const fileNames = (version: number): readonly string[] => readdirSync(path.join(versionFolder(version), 'assets'))

const cachedPaths = (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const names = await caches.keys()
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()))
    return requests.flat().map(({ url }) => new URL(url).pathname).sort()
  })

describe('the app on a tablet', () => {
  let hub: Hub
  let profile: string
  let tablet: BrowserContext
  let said: string[]

  beforeAll(async () => {
    await buildVersion(1)
    await buildVersion(2)
  }, 120_000)

  const open = async (): Promise<void> => {
    tablet = await openTablet(profile)
    const listen = (page: Page): void => {
      page.on('console', (message) => said.push(message.text()))
      page.on('pageerror', (error) => said.push(error.message))
    }
    tablet.pages().forEach(listen)
    tablet.on('page', listen)
  }

  beforeEach(async () => {
    hub = await createHub()
    profile = mkdtempSync(path.join(folder, 'profile-'))
    said = []
    await open()
  })

  afterEach(async () => {
    await tablet.close()
    await hub.off()
    const violations = said.filter((text) => /content security policy|trusted type|TrustedScript/i.test(text))
    if (violations.length > 0) throw new Error(violations.join('\n'))
  })

  afterAll(() => rmSync(folder, { recursive: true }))

  const openPage = async (place = '/'): Promise<Page> => {
    const page = await tablet.newPage()
    await page.goto(hub.origin + place)
    return page
  }

  test('[G9] everything it is made of is its own and in few files; peer connections are loaded when they are needed', () => {
    const html = readFileSync(path.join(versionFolder(1), 'index.html'), 'utf8')
    expect([...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]).filter((address) => !address?.startsWith('/'))).toEqual([])
    expect(html).not.toMatch(/<style|style="|<script(?![^>]*src=)/)
    const scripts = fileNames(1).filter((name) => name.endsWith('.js'))
    const first = [...html.matchAll(/\/assets\/([^"]+\.js)"/g)].map((match) => match[1] ?? '')
    expect(scripts.length).toBeGreaterThan(first.length)
    expect(first.map((name) => readFileSync(path.join(versionFolder(1), 'assets', name), 'utf8')).filter((text) => text.includes('peerjs-js') || text.includes('0.peerjs.com'))).toEqual([])
  })

  test('[G1] it can be installed', async () => {
    const page = await openPage()
    await kept(page)
    const session = await tablet.newCDPSession(page)
    expect(await session.send('Page.getInstallabilityErrors')).toEqual({ installabilityErrors: [] })
    const manifest = await session.send('Page.getAppManifest')
    expect([manifest.errors, JSON.parse(manifest.data ?? '{}')]).toMatchObject([[], { name: 'Millpond', display: 'standalone', id: '/' }])
    for (const [name, size] of [['icon-192.png', 192], ['icon-512.png', 512], ['icon-maskable-512.png', 512], ['apple-touch-icon.png', 180]] as const) {
      const png = readFileSync(path.join(versionFolder(1), name))
      expect([name, png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([name, size, size])
    }
  })

  test('[G1] a cold start with the hub off shows the app, at any of its places, and asks nobody for a file', async () => {
    await kept(await openPage())
    await tablet.close()
    await hub.off()
    await open()
    for (const place of ['/', '/swarm', '/?from=/a.b', '/index.html']) {
      const page = await openPage(place)
      expect([place, await versionOf(page), await page.title()]).toEqual([place, 1, 'Millpond'])
      expect(await page.evaluate(() => document.body.innerText.trim().length)).toBeGreaterThan(0)
    }
    const stored = await cachedPaths(tablet.pages().at(-1) as Page)
    for (const name of fileNames(1)) expect(stored).toContain(`/assets/${name}`)
  })

  test('[G6] where the browser has no service workers, the page says so and does not break', async () => {
    const page = await tablet.newPage()
    await page.goto(hub.origin.replace('localhost', 'tablet.test'))
    expect(await versionOf(page)).toBe(1)
    expect(await page.evaluate(() => 'serviceWorker' in navigator)).toBe(false)
    expect(await page.evaluate(() => document.body.innerText.trim().length)).toBeGreaterThan(0)
    expect(said.filter((text) => /Error/.test(text) && !/Permissions-Policy/.test(text))).toEqual([])
  })

  test('[G1] what the hub answers by itself is asked of the hub, each time', async () => {
    const page = await openPage()
    await kept(page)
    hub.asked.length = 0
    const read = (): Promise<string> => page.evaluate(async () => (await (await fetch('/config.json')).json()).introduce)
    expect([await read(), await read()]).toEqual(['/introduce', '/introduce'])
    await page.goto(`${hub.origin}/introduce/peers`)
    expect(await page.textContent('body')).toBe('introductions')
    expect(hub.asked.filter((name) => !['/config.json', '/favicon.ico'].includes(name))).toEqual(['/introduce/peers'])
    expect(hub.asked.filter((name) => name === '/config.json').length).toBeGreaterThanOrEqual(2)
  })

  test('[G1] a newer version waits until a person takes it; files of the one before go when no window uses them any more', async () => {
    const page = await openPage()
    await kept(page)
    await beginFloor(page)
    hub.serve = 2
    await page.reload()
    expect(await versionOf(page)).toBe(1)
    await takeUpdate(page)
    await page.waitForFunction(() => Reflect.get(globalThis, 'version') === 2)
    await hub.off()
    const old = fileNames(1).filter((name) => !fileNames(2).includes(name) && name.endsWith('.js'))
    expect(old.length).toBeGreaterThan(0)
    await tablet.close()
    await open()
    const fresh = await openPage()
    expect(await versionOf(fresh)).toBe(2)
    await expect.poll(async () => (await cachedPaths(fresh)).filter((name) => old.includes(name.replace('/assets/', ''))), { timeout: 10_000 }).toEqual([])
    for (const name of fileNames(2)) expect(await cachedPaths(fresh)).toContain(`/assets/${name}`)
  })
})

/** The first run: a new floor, and a name for this tablet. */
const beginFloor = async (page: Page): Promise<void> => {
  await page.getByTestId('begin').click()
  await page.getByTestId('tablet-name').fill('Turning 4')
  await page.getByTestId('first-go').click()
  await page.getByTestId('chip').waitFor()
}

/** Presses what the app shows when a newer version is there. */
const takeUpdate = (page: Page): Promise<void> => page.getByRole('button', { name: 'Take it now' }).click()
