import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { beginFloor, nodeIdOf } from '../floor/tablet-page.ts'
import { makeDataFolder, removeDataFolder, startHub } from '../hub/hub-process.ts'
import { hide, holdsBackTimers, launchPlain } from './plain-browser.ts'
import { shown, statesOf, watchStates } from './seen-states.ts'
import { endWork, openThreeTabs } from './three-tabs.ts'
import { reopen } from './two-tablets.ts'

// The tab with the connections is hidden behind another one of the same tablet, in a browser that soon holds back the timers of hidden pages.

declare global {
  /** Between two timers, each begun by the one before: the longest time so far. */
  var longestGapMs: number
}

const beginChain = (page: Page): Promise<void> =>
  page.evaluate(() => {
    globalThis.longestGapMs = 0
    let lastMs = performance.now()
    const next = () => {
      globalThis.longestGapMs = Math.max(globalThis.longestGapMs, performance.now() - lastMs)
      lastMs = performance.now()
      setTimeout(next, 500)
    }
    next()
  })

const gapOf = (page: Page): Promise<number> => page.evaluate(() => globalThis.longestGapMs)
const leads = (page: Page): Promise<boolean> => page.evaluate(() => globalThis.millpond?.status().leader ?? false)
const heldBack = { timeout: 90_000, interval: 500 }

test('[G8] a hidden leader keeps its connections, and the tablet is awake to others while one of its tabs is looked at', async () => {
  const tablet = await openThreeTabs([holdsBackTimers])
  const [lead, , front] = tablet.tabs
  if (lead === undefined || front === undefined) throw new Error('there are no three tabs')
  await Promise.all([...tablet.tabs, tablet.far].map(endWork))
  await watchStates(tablet.far, await nodeIdOf(lead))
  const idle = await tablet.context.newPage()
  await hide(idle, front)
  await hide(lead, front)
  for (const page of [idle, lead]) await beginChain(page)
  await expect.poll(() => gapOf(idle), heldBack).toBeGreaterThan(15_000)
  // A page with an open data channel is not held back.
  expect(await gapOf(lead)).toBeLessThan(10_000)
  expect([await leads(lead), await leads(front)]).toEqual([true, false])
  expect(await statesOf(tablet.far)).toEqual(['connected'])
  expect(await front.evaluate(() => globalThis.millpond?.status().peers.map(({ state }) => state))).toEqual(['connected'])
  const blank = await tablet.context.newPage()
  await hide(front, blank)
  await shown(tablet.far, 'asleep')
  await front.bringToFront()
  await shown(tablet.far, 'connected')
  expect(await statesOf(tablet.far)).toEqual(['connected', 'asleep', 'connected'])
  expect(await leads(lead)).toBe(true)
  await tablet.close()
})

test('[G8] [G1] a hidden leader without any connection is held back, and gives way to the tab that is looked at', async () => {
  const dataFolder = makeDataFolder()
  const profile = mkdtempSync(path.join(os.tmpdir(), 'millpond-hidden-'))
  const hub = await startHub(dataFolder)
  const browser = await launchPlain(profile, [holdsBackTimers])
  const lead = await browser.context.newPage()
  await beginFloor(lead, `http://localhost:${hub.httpPort}`, 'Turning 1')
  await lead.waitForFunction(() => globalThis.millpond?.status().leader, undefined, { polling: 50 })
  const front = await reopen(browser.context, `http://localhost:${hub.httpPort}`)
  await hub.stop()
  expect([await leads(lead), await leads(front)]).toEqual([true, false])
  await front.waitForFunction(() => globalThis.millpond?.status().leader, undefined, { polling: 100, timeout: 120_000 })
  await expect.poll(() => leads(lead)).toBe(false)
  const again = await startHub(dataFolder, ['--port', String(hub.httpPort)])
  await front.waitForFunction(() => globalThis.millpond?.status().hubs.some(({ state }) => state === 'ready'), undefined, { polling: 100, timeout: 60_000 })
  await browser.end()
  await again.stop()
  removeDataFolder(dataFolder)
  rmSync(profile, { recursive: true, force: true, maxRetries: 10 })
})
