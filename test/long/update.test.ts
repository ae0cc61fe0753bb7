/// <reference types="node" />
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { HubProcess } from '../hub/hub-process.ts'
import { atVersion, banner, beginFloor, check, createBuilds, openPage as openAt, payloads, publish, replaced, versionOf, type Builds } from './builds.ts'

/** A newer minor version: it knows a feature more, says more in `hello`, and speaks a version more. */
const withMoreProtocol = (code: string, file: string): string => {
  if (file.endsWith('/src/protocol/codec.ts')) return replaced(code, '[2, hello.features],', "[2, [...hello.features, 'causal']], [60, ['more', 1]], ['later', true],")
  if (file.endsWith('/src/protocol/session-handshake.ts')) return replaced(code, 'versions: [PROTOCOL_VERSION]', 'versions: [PROTOCOL_VERSION, PROTOCOL_VERSION + 1]')
  return code
}

const loads = (page: Page): Promise<number> => page.evaluate(() => Number(sessionStorage.getItem('loads')))

describe('a newer version of the app', { timeout: 180_000 }, () => {
  let hub: HubProcess
  let tablets: BrowserContext[]
  let data: string

  let builds: Builds

  beforeAll(async () => {
    builds = createBuilds()
    await builds.build(1)
    await builds.build(2, withMoreProtocol)
  }, 240_000)

  beforeEach(async () => {
    data = mkdtempSync(path.join(builds.folder, 'data-'))
    builds.serve(1)
    hub = await builds.start(data)
    tablets = []
  })

  afterEach(async () => {
    await Promise.all(tablets.map((tablet) => tablet.close()))
    await hub.stop()
  })

  afterAll(() => builds.remove())

  const openTablet = async (): Promise<BrowserContext> => {
    const tablet = await builds.openTablet()
    tablets.push(tablet)
    return tablet
  }

  const openPage = (tablet: BrowserContext, place?: string): Promise<Page> => openAt(tablet, hub, place)

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
    builds.serve(2)
    hub = await builds.start(data, hub.httpPort)
    await Promise.all([banner(first).waitFor(), banner(second).waitFor()])
    expect([await versionOf(first), await versionOf(second)]).toEqual([1, 1])
    await banner(second).getByRole('button').click()
    await Promise.all([atVersion(first, 2), atVersion(second, 2)])
    await Promise.all([first.getByTestId('chip').waitFor(), second.getByTestId('chip').waitFor()])
    expect([await loads(first), await loads(second)]).toEqual([2, 2])
  })

  test('[G6] with ten minutes of nobody it comes by itself, but not while a field in a window has text', async () => {
    const tablet = await openTablet()
    await tablet.clock.install()
    const first = await openPage(tablet)
    await beginFloor(first)
    const second = await openPage(tablet)
    await second.locator('input[type=search]').fill('W204')
    builds.serve(2)
    await check(first)
    await Promise.all([banner(first).waitFor(), banner(second).waitFor()])
    await tablet.clock.fastForward('11:00')
    // Only the text is in the way now: the lock of who was touched is free in both windows, that of who has something unfinished is not.
    await expect.poll(() => first.evaluate(async () => (await navigator.locks.query()).held?.flatMap(({ name, mode }) => (name?.startsWith('millpond/window/') === true && mode === 'shared' ? [name] : [])))).toEqual(['millpond/window/unfinished'])
    await tablet.clock.fastForward('20:00')
    await tablet.clock.runFor('01:00')
    expect([await versionOf(first), await versionOf(second)]).toEqual([1, 1])
    await second.locator('input[type=search]').fill('')
    await tablet.clock.runFor('12:00')
    await Promise.all([atVersion(first, 2), atVersion(second, 2)])
  })

  test('[G1] it takes over at once while a page asks the hub again and again', async () => {
    const page = await openPage(await openTablet())
    await beginFloor(page)
    builds.serve(2)
    await check(page)
    await banner(page).waitFor()
    await page.evaluate(() => {
      const ask = (): Promise<Response> => fetch('/config.json').then(ask)
      for (let i = 0; i < 3; i++) ask().catch(reportError)
    })
    await banner(page).getByRole('button').click()
    await atVersion(page, 2)
    expect(await page.evaluate(async () => (await navigator.serviceWorker.ready).waiting)).toBeNull()
  })

  test('[G6] a window in which something is not finished is named before it is taken', async () => {
    const tablet = await openTablet()
    const first = await openPage(tablet)
    await beginFloor(first)
    const second = await openPage(tablet)
    await second.locator('.tools .act').click()
    await second.locator('[role=dialog]').waitFor()
    builds.serve(2)
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
    builds.serve(2)
    await (await openPage(tablet)).close()
    await banner(first).waitFor()
    await banner(first).getByRole('button').click()
    await atVersion(first, 2)
    await hub.stop()
    const gone = readdirSync(path.join(builds.builtAs(1), 'assets')).filter((name) => !readdirSync(path.join(builds.served, 'assets')).includes(name))
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
    builds.serve(2)
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
    builds.serve(2)
    const script = readdirSync(path.join(builds.served, 'assets')).find((name) => /^index-.*\.js$/.test(name)) ?? ''
    const bytes = path.join(builds.served, 'assets', script)
    writeFileSync(bytes, 'globalThis.version = "changed"')
    await check(page)
    await page.locator('[data-testid=problem][data-code=UPDATE-CUT]').waitFor()
    rmSync(bytes)
    await check(page)
    await hub.stop()
    await page.reload()
    await page.getByTestId('chip').waitFor()
    expect(await versionOf(page)).toBe(1)
    builds.serve(2)
    hub = await builds.start(data, hub.httpPort)
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
    builds.serve(2)
    await check(page)
    await page.locator('[data-testid=problem][data-code=UPDATE-ROOM]').waitFor()
    await hub.stop()
    await session.send('Storage.overrideQuotaForOrigin', { origin: `http://localhost:${hub.httpPort}` })
    await page.reload()
    await page.getByTestId('chip').waitFor()
    expect(await versionOf(page)).toBe(1)
    hub = await builds.start(data, hub.httpPort)
    await banner(page).waitFor()
    await banner(page).getByRole('button').click()
    await atVersion(page, 2)
  })
})
