/// <reference types="node" />
import { cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { build, type Plugin } from 'vite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type HubProcess, startHub } from '../hub/hub-process.ts'

// Builds of the app and a copy of the built hub that serves one of them: the hub as it is, and a person who puts a new build in its place.

const folder = mkdtempSync(path.join(tmpdir(), 'millpond-update-'))
const served = path.join(folder, 'dist/app')
const builtAs = (name: string): string => path.join(folder, 'builds', name)

/** The app with its version on `globalThis`, and with other changes to its sources. */
const buildApp = async (version: number, change: (code: string, file: string) => string = (code) => code): Promise<void> => {
  const changed: Plugin = {
    name: 'changed',
    enforce: 'pre',
    transform: (code, id) => change(id.endsWith('/src/main.ts') ? `${code}\nglobalThis.version = ${version}\n` : code, id),
  }
  vi.stubEnv('NODE_ENV', 'production')
  await build({ logLevel: 'error', plugins: [changed], build: { outDir: builtAs(`${version}`), emptyOutDir: true } })
  vi.unstubAllEnvs()
}

/** A newer minor version: it knows a feature more, says more in `hello`, and speaks a version more. */
const withMoreProtocol = (code: string, file: string): string => {
  if (file.endsWith('/src/protocol/codec.ts')) return replaced(code, '[2, hello.features],', "[2, [...hello.features, 'causal']], [6, ['more', 1]], ['later', true],")
  if (file.endsWith('/src/protocol/session-handshake.ts')) return replaced(code, 'versions: [PROTOCOL_VERSION]', 'versions: [PROTOCOL_VERSION, PROTOCOL_VERSION + 1]')
  return code
}

const replaced = (code: string, from: string, to: string): string => {
  if (!code.includes(from)) throw new Error(`not in the source any more: ${from}`)
  return code.replace(from, to)
}

/** Puts a build in the place from which the hub serves, in one step, as a copy. */
const serve = (version: number): void => {
  const fresh = mkdtempSync(path.join(folder, 'fresh-'))
  cpSync(builtAs(`${version}`), fresh, { recursive: true })
  rmSync(served, { recursive: true, force: true })
  renameSync(fresh, served)
}

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

const versionOf = (page: Page): Promise<unknown> => page.evaluate(() => Reflect.get(globalThis, 'version'))
/** Asks the hub for a newer version now. */
const check = (page: Page): Promise<void> => page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()))
const atVersion = (page: Page, version: number, timeout = 30_000): Promise<unknown> => page.waitForFunction((wanted) => Reflect.get(globalThis, 'version') === wanted, version, { timeout })
const banner = (page: Page) => page.locator('[data-testid=banner][data-kind=update]')
const loads = (page: Page): Promise<number> => page.evaluate(() => Number(sessionStorage.getItem('loads')))

describe('a newer version of the app', { timeout: 180_000 }, () => {
  let hub: HubProcess
  let tablets: BrowserContext[]
  let data: string

  beforeAll(async () => {
    await buildApp(1)
    await buildApp(2, withMoreProtocol)
    mkdirSync(path.join(folder, 'dist'), { recursive: true })
    cpSync('dist/hub', path.join(folder, 'dist/hub'), { recursive: true })
    cpSync('package.json', path.join(folder, 'package.json'))
    symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'))
  }, 240_000)

  const startAgain = async (port = 0): Promise<HubProcess> =>
    startHub(data, port === 0 ? [] : ['--port', `${port}`], [], path.join(folder, 'dist/hub/main.js'))

  beforeEach(async () => {
    data = mkdtempSync(path.join(folder, 'data-'))
    serve(1)
    hub = await startAgain()
    tablets = []
  })

  afterEach(async () => {
    await Promise.all(tablets.map((tablet) => tablet.close()))
    await hub.stop()
  })

  afterAll(() => rmSync(folder, { recursive: true }))

  /** A tablet that counts the loads of each window. */
  const openTablet = async (): Promise<BrowserContext> => {
    const tablet = await chromium.launchPersistentContext(mkdtempSync(path.join(folder, 'profile-')), { executablePath: '/usr/bin/chromium', args: ARGUMENTS })
    await tablet.addInitScript(() => sessionStorage.setItem('loads', String(Number(sessionStorage.getItem('loads')) + 1)))
    tablets.push(tablet)
    return tablet
  }

  const openPage = async (tablet: BrowserContext, place = '/'): Promise<Page> => {
    const page = await tablet.newPage()
    await page.goto(`http://localhost:${hub.httpPort}${place}`)
    await page.waitForFunction(async () => (await navigator.serviceWorker.ready) && navigator.serviceWorker.controller !== null)
    return page
  }

  const beginFloor = async (page: Page, name = 'Turning 4'): Promise<void> => {
    await page.getByTestId('begin').click()
    await page.getByTestId('tablet-name').fill(name)
    await page.getByTestId('first-go').click()
    await page.getByTestId('chip').waitFor()
  }

  const publish = (page: Page, payload: string): Promise<unknown> => page.evaluate((event) => globalThis.millpond?.publish([{ tags: ['test'], event }]), payload)
  const payloads = (page: Page): Promise<readonly unknown[]> =>
    page.evaluate(async () => {
      const found: unknown[] = []
      for await (const event of globalThis.millpond?.query({ where: [{ tags: ['test'] }] }) ?? []) found.push(event.payload)
      return found
    })

  test('[G8] [G1] it is found when the hub is back, and taken in all windows by one touch; each is loaded anew once', async () => {
    const tablet = await openTablet()
    const first = await openPage(tablet)
    await beginFloor(first)
    const second = await openPage(tablet)
    await second.getByTestId('chip').waitFor()
    await first.evaluate(() => void (location.hash = '#tablets'))
    await first.locator('[data-testid=hub][data-state=ready]').waitFor()
    await hub.stop()
    await first.locator('[data-testid=hub][data-state=unreachable]').waitFor()
    serve(2)
    hub = await startAgain(hub.httpPort)
    await Promise.all([banner(first).waitFor(), banner(second).waitFor()])
    expect([await versionOf(first), await versionOf(second)]).toEqual([1, 1])
    await banner(second).getByRole('button').click()
    await Promise.all([atVersion(first, 2), atVersion(second, 2)])
    await Promise.all([first.getByTestId('chip').waitFor(), second.getByTestId('chip').waitFor()])
    expect([await loads(first), await loads(second)]).toEqual([2, 2])
  })

  test('[G6] with ten minutes of nobody it comes by itself, but not while a field in a window has text', async () => {
    const tablet = await openTablet()
    // The clock of each window, put forward by the test.
    await tablet.addInitScript(() => {
      const now = performance.now.bind(performance)
      performance.now = () => now() + Number(Reflect.get(globalThis, 'aheadMs') ?? 0)
    })
    const first = await openPage(tablet)
    await beginFloor(first)
    const second = await openPage(tablet)
    const ahead = (ms: number): Promise<unknown> => Promise.all([first, second].map((page) => page.evaluate((aheadMs) => Reflect.set(globalThis, 'aheadMs', aheadMs), ms)))
    await second.locator('input[type=search]').fill('W204')
    serve(2)
    await ahead(3_700_000)
    await Promise.all([banner(first).waitFor(), banner(second).waitFor()])
    // Only the text is in the way now: the lock of who was touched is free in both windows, that of who has something unfinished is not.
    await expect.poll(() => first.evaluate(async () => (await navigator.locks.query()).held?.flatMap(({ name, mode }) => (name?.startsWith('millpond/window/') === true && mode === 'shared' ? [name] : []))), { timeout: 40_000 }).toEqual(['millpond/window/unfinished'])
    await ahead(5_000_000)
    expect([await versionOf(first), await versionOf(second)]).toEqual([1, 1])
    await second.locator('input[type=search]').fill('')
    await ahead(5_700_000)
    // Each window looks every 15 s: one gives its lock back, then the other may have to look once more.
    await Promise.all([atVersion(first, 2, 90_000), atVersion(second, 2, 90_000)])
  })

  test('[G6] a window in which something is not finished is named before it is taken', async () => {
    const tablet = await openTablet()
    const first = await openPage(tablet)
    await beginFloor(first)
    const second = await openPage(tablet)
    await second.locator('.tools .act').click()
    serve(2)
    const third = await openPage(tablet)
    await banner(third).waitFor()
    await banner(first).getByRole('button').click()
    await first.locator('[data-warning=elsewhere]').waitFor()
    expect(await first.locator('[data-warning]').count()).toBe(1)
    await first.getByTestId('update-later').click()
    await second.keyboard.press('Escape')
    await second.locator('[role=dialog]').waitFor({ state: 'detached' })
    await banner(first).getByRole('button').click()
    await Promise.all([first, second, third].map((page) => atVersion(page, 2)))
  })

  test('[G1] while a window is of the version before, its late parts are there without the hub', async () => {
    const tablet = await openTablet()
    const first = await openPage(tablet)
    await beginFloor(first)
    const old = await tablet.newPage()
    // This window does not hear that another version was taken, as one that is frozen does not.
    await old.addInitScript(() => navigator.serviceWorker.addEventListener('controllerchange', (event) => event.stopImmediatePropagation()))
    await old.goto(`http://localhost:${hub.httpPort}/`)
    await old.getByTestId('chip').waitFor()
    serve(2)
    await (await openPage(tablet)).close()
    await banner(first).waitFor()
    await banner(first).getByRole('button').click()
    await atVersion(first, 2)
    await hub.stop()
    const gone = readdirSync(path.join(builtAs('1'), 'assets')).filter((name) => !readdirSync(path.join(served, 'assets')).includes(name))
    expect(gone.length).toBeGreaterThan(2)
    await old.evaluate(() => void (location.hash = '#import'))
    await old.getByTestId('import-sample').click()
    await expect.poll(() => old.evaluate(() => Object.keys(globalThis.millpond?.status().own ?? {}).length), { timeout: 30_000 }).toBeGreaterThan(0)
    expect([await versionOf(old), await loads(old)]).toEqual([1, 1])
    for (const name of gone) expect([name, await old.evaluate(async (address) => (await fetch(address)).status, `/assets/${name}`)]).toEqual([name, 200])
  })

  test('[G1] a tablet of the version before and one of the new version have the same events', async () => {
    const older = await openPage(await openTablet())
    await beginFloor(older)
    await publish(older, 'of the version before')
    const invitation = await older.evaluate(() => globalThis.millpond?.invite())
    serve(2)
    const newer = await openPage(await openTablet(), `/#join=${encodeURIComponent(invitation ?? '')}`)
    await newer.getByTestId('join-link').click()
    await newer.getByTestId('tablet-name').fill('Packing 2')
    await newer.getByTestId('first-go').click()
    await newer.getByTestId('chip').waitFor()
    await publish(newer, 'of the new version')
    for (const page of [older, newer]) await expect.poll(async () => [...(await payloads(page))].sort(), { timeout: 60_000 }).toEqual(['of the new version', 'of the version before'])
    expect([await versionOf(older), await versionOf(newer)]).toEqual([1, 2])
    const refused = await older.evaluate(() => globalThis.millpond?.status().notices.filter(({ code }) => code === 'SESSION-ENDED'))
    expect(refused).toEqual([])
  })

  test('[G6] one that does not come whole, or is not what was built, harms nothing and is said; the next attempt takes it', async () => {
    const tablet = await openTablet()
    const page = await openPage(tablet)
    await beginFloor(page)
    await page.evaluate(() => void (location.hash = '#tablets'))
    serve(2)
    const script = readdirSync(path.join(served, 'assets')).find((name) => /^index-.*\.js$/.test(name)) ?? ''
    const bytes = path.join(served, 'assets', script)
    writeFileSync(bytes, 'globalThis.version = "changed"')
    await check(page)
    await page.locator('[data-testid=problem][data-code=UPDATE-CUT]').waitFor()
    rmSync(bytes)
    await check(page)
    await hub.stop()
    await page.reload()
    await page.getByTestId('chip').waitFor()
    expect(await versionOf(page)).toBe(1)
    serve(2)
    hub = await startAgain(hub.httpPort)
    await banner(page).waitFor()
    expect(await page.locator('[data-code=UPDATE-CUT]').count()).toBe(0)
    await banner(page).getByRole('button').click()
    await atVersion(page, 2)
  })

  test('[G6] where there is no room for it, the version here works on, and that is said', async () => {
    const tablet = await openTablet()
    const page = await openPage(tablet)
    await beginFloor(page)
    await page.evaluate(() => void (location.hash = '#tablets'))
    const session = await tablet.newCDPSession(page)
    const used = await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0)
    await session.send('Storage.overrideQuotaForOrigin', { origin: `http://localhost:${hub.httpPort}`, quotaSize: used + 100_000 })
    serve(2)
    await check(page)
    await page.locator('[data-testid=problem][data-code=UPDATE-ROOM]').waitFor()
    await hub.stop()
    await session.send('Storage.overrideQuotaForOrigin', { origin: `http://localhost:${hub.httpPort}` })
    await page.reload()
    await page.getByTestId('chip').waitFor()
    expect(await versionOf(page)).toBe(1)
    hub = await startAgain(hub.httpPort)
    await banner(page).waitFor()
    await banner(page).getByRole('button').click()
    await atVersion(page, 2)
  })
})
