/// <reference types="node" />
import { mkdtempSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { HubProcess } from '../hub/hub-process.ts'
import { atVersion, banner, beginFloor, check, createBuilds, openPage, payloads, publish, replaced, versionOf, type Builds } from './builds.ts'

/** Builds that are whole and do not start: one throws before anything stands on the page, one when the floor is shown. */
const THROWS = 3
const BREAKS = 4

describe('a version that does not start', { timeout: 180_000 }, () => {
  let builds: Builds
  let hub: HubProcess
  let data: string
  let tablet: BrowserContext

  beforeAll(async () => {
    builds = createBuilds()
    await builds.build(1)
    await builds.build(2)
    await builds.build(THROWS, (code, file) => (file.endsWith('/src/main.ts') ? `throw new Error('thrown at the start')\n${code}` : code))
    await builds.build(BREAKS, (code, file) => (file.endsWith('/screens/Shell.svelte') ? replaced(code, 'const { t } = getWords()', "const { t } = getWords()\n  throw new Error('thrown by the frame')") : code))
  }, 360_000)

  beforeEach(async () => {
    data = mkdtempSync(path.join(builds.folder, 'data-'))
    tablet = await builds.openTablet()
  })

  afterEach(async () => {
    await tablet.close()
    await hub.stop()
  })

  afterAll(() => builds.remove())

  const serve = async (version: number): Promise<void> => {
    builds.serve(version)
    hub = await builds.start(data)
  }

  /** A tablet with a floor and an entry takes a newer version. */
  const takeOver = async (version: number): Promise<Page> => {
    await serve(1)
    const page = await openPage(tablet, hub)
    await beginFloor(page)
    await publish(page, 'recorded before')
    builds.serve(version)
    await check(page)
    await banner(page).getByRole('button').click()
    await page.getByTestId('crash').waitFor()
    return page
  }

  test('[G6] [G1] says so in both languages, saves what the tablet holds, and gives way to the one before, until a newer one comes', async () => {
    const page = await takeOver(THROWS)
    expect(await page.getByTestId('crash').textContent()).toContain('APP-CRASHED Uncaught Error: thrown at the start')
    expect(await page.getByRole('heading').textContent()).toBe('Millpond could not start.')
    await page.getByTestId('crash-other').click()
    expect(await page.getByRole('heading').textContent()).toBe('Millpond konnte nicht starten.')

    const saved = page.waitForEvent('download')
    await page.getByTestId('crash-save').click()
    expect(readFileSync(await (await saved).path(), 'utf8')).toContain('recorded before')
    await expect.poll(() => page.getByTestId('crash-word').textContent()).toContain('Die Datei ist gesichert.')

    await page.getByTestId('crash-back').click()
    await atVersion(page, 1)
    await page.getByTestId('chip').waitFor()
    expect(await payloads(page)).toEqual(['recorded before'])
    await publish(page, 'recorded after')
    await page.evaluate(() => void (location.hash = '#tablets'))
    await page.locator('[data-testid=problem][data-code=UPDATE-CRASHED]').waitFor()

    await hub.stop()
    await page.close()
    const fresh = await tablet.newPage()
    await fresh.goto(`http://localhost:${hub.httpPort}/#tablets`)
    await fresh.getByTestId('chip').waitFor()
    expect(await versionOf(fresh)).toBe(1)

    builds.serve(2)
    hub = await builds.start(data, hub.httpPort)
    await check(fresh)
    await banner(fresh).getByRole('button').click()
    await atVersion(fresh, 2)
    await fresh.getByTestId('chip').waitFor()
    expect([await payloads(fresh), await fresh.locator('[data-code=UPDATE-CRASHED]').count()]).toEqual([['recorded before', 'recorded after'], 0])
  })

  test('[G6] is found out when it breaks on the floor that is there; trying again takes a newer one', async () => {
    const page = await takeOver(BREAKS)
    expect(await page.getByTestId('crash').textContent()).toContain('thrown by the frame')
    await page.getByTestId('crash-again').click()
    await page.waitForFunction(() => Number(sessionStorage.getItem('loads')) === 3)
    await page.getByTestId('crash').waitFor()
    builds.serve(2)
    await page.getByTestId('crash-again').click()
    await atVersion(page, 2)
    await page.getByTestId('chip').waitFor()
    expect([await payloads(page), await page.getByTestId('crash').count()]).toEqual([['recorded before'], 0])
  })

  test('[G6] as the first one here has none before it, and says that the hub has the next', async () => {
    await serve(THROWS)
    const page = await tablet.newPage()
    await page.goto(`http://localhost:${hub.httpPort}/`)
    await page.getByTestId('crash').waitFor()
    expect(await page.getByTestId('crash').textContent()).toContain('switch on the hub and try again')
    expect(await page.getByTestId('crash-back').count()).toBe(0)
    await page.getByTestId('crash-save').click()
    await expect.poll(() => page.getByTestId('crash-word').textContent()).toBe('This tablet holds nothing that could be saved.')
    builds.serve(2)
    await page.getByTestId('crash-again').click()
    await atVersion(page, 2)
  })
})
