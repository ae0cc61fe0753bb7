import { chromium, type Browser as Chromium } from 'playwright-core'
import { launch, type Browser as Firefox, type Page } from 'puppeteer-core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeDataFolder, removeDataFolder, startHub } from '../hub/hub-process.ts'
import { anyPage, type AnyPage, beginFloor, fill, press } from './any-page.ts'
import { beginWork, endWork } from './three-tabs.ts'

// Three tabs of one Firefox publish at full speed, and so does a tablet with Chromium, while the tab with the connections goes away.

const soon = { timeout: 30_000, interval: 100 }

let hub: Awaited<ReturnType<typeof startHub>>
let firefox: Firefox
let chrome: Chromium
let tabs: readonly Page[]
let far: AnyPage
/** Event ids of all entries whose publishing was acknowledged, by their payload. */
let acknowledged: Map<string, string>

const leads = (page: Page): Promise<boolean> => page.evaluate(() => globalThis.millpond?.status().leader ?? false)
const acknowledgedIn = (page: Page): Promise<number> => page.evaluate(() => globalThis.atWork?.acknowledged ?? 0)

/** Tells the test of each entry, and waits for no answer. */
const report = async (page: Page): Promise<void> => {
  page.on('console', (message) => {
    const [, key, eventId] = /^acknowledged (.+) = (.+)$/.exec(message.text()) ?? []
    if (key !== undefined && eventId !== undefined) acknowledged.set(key, eventId)
  })
  await page.evaluate(() => {
    globalThis.acknowledge = (text) => {
      const [key, eventId] = JSON.parse(text) as readonly [string, string]
      console.info(`acknowledged ${key} = ${eventId}`)
    }
  })
}

const openTab = async (url: string): Promise<Page> => {
  const page = await firefox.newPage()
  await page.goto(url)
  await page.waitForFunction(() => globalThis.millpond !== undefined)
  return page
}

/** Resolves when each has had 20 more entries acknowledged. */
const everyonePublishes = async (pages: readonly Page[]): Promise<void> => {
  const counts = () => Promise.all(pages.map(acknowledgedIn))
  const before = await counts()
  await expect.poll(async () => (await counts()).every((count, at) => count >= (before[at] ?? 0) + 20), soon).toBe(true)
}

/** Exactly one of these tabs leads, and all show the other tablet as connected. */
const handedOver = async (pages: readonly Page[]): Promise<Page> => {
  await expect.poll(async () => (await Promise.all(pages.map(leads))).filter(Boolean).length, soon).toBe(1)
  const reached = (page: Pick<AnyPage, 'evaluate'>) => page.evaluate(() => globalThis.millpond?.status().peers.map(({ state }) => (state === 'asleep' ? 'connected' : state)), undefined)
  for (const page of [...pages.map(anyPage), far]) await expect.poll(() => reached(page), soon).toEqual(['connected'])
  const leading = await Promise.all(pages.map(leads))
  const lead = pages[leading.indexOf(true)]
  if (lead === undefined) throw new Error('nobody leads')
  return lead
}

const historyOf = (page: AnyPage): Promise<readonly (readonly [eventId: string, stream: string, offset: number, payload: string])[]> =>
  page.evaluate(async () => {
    const told: [string, string, number, string][] = []
    for await (const { meta, payload } of globalThis.millpond?.query({}) ?? []) told.push([meta.eventId, meta.stream, meta.offset, JSON.stringify(payload)])
    return told
  }, undefined)

/** Ends all work; then there is one history, on both tablets and in every tab, of all that was acknowledged, and nobody was taken for another. */
const expectOneHistory = async (pages: readonly Page[]): Promise<void> => {
  await Promise.all([...pages.map(anyPage), far].map(endWork))
  const [first = far] = pages.map(anyPage)
  await expect.poll(async () => (await historyOf(far)).length - (await historyOf(first)).length, soon).toBe(0)
  const history = await historyOf(far)
  const streams = new Set(history.map(([, stream]) => stream))
  expect(streams.size).toBe(2)
  for (const stream of streams) {
    const offsets = history.filter(([, its]) => its === stream).map(([, , offset]) => offset)
    expect(offsets).toEqual(offsets.map((_, at) => at))
  }
  const byPayload = new Map(history.map(([eventId, , , payload]) => [payload, eventId]))
  expect(byPayload.size).toBe(history.length)
  expect(acknowledged.size).toBeGreaterThan(200)
  expect([...acknowledged].filter(([payload, eventId]) => byPayload.get(JSON.stringify(payload)) !== eventId)).toEqual([])
  for (const page of pages) {
    expect(await historyOf(anyPage(page))).toEqual(history)
    await expect.poll(() => page.evaluate(() => globalThis.atWork?.given.size), soon).toBe(history.length)
    const found = await page.evaluate(() => ({ doubles: globalThis.atWork?.doubles, refused: globalThis.atWork?.refused, codes: (globalThis.millpond?.status().notices ?? []).map(({ code }) => code) }))
    expect({ ...found, codes: found.codes.filter((code) => /IDENTITY|FORK|TWIN|STORE|LOWERED|NODE-FAILED/.test(code)) }).toEqual({ doubles: 0, refused: [], codes: [] })
  }
}

beforeEach(async () => {
  acknowledged = new Map()
  hub = await startHub(makeDataFolder())
  const origin = `http://localhost:${hub.httpPort}`
  firefox = await launch({ browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true })
  chrome = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
  const first = await firefox.newPage()
  await first.goto(origin)
  const link = await beginFloor(anyPage(first), 'Turning 1')
  far = anyPage(await chrome.newPage())
  await far.open(`${origin}/${link.slice(link.indexOf('#'))}`)
  await press(far, 'join-link')
  await fill(far, 'tablet-name', 'Packing 2')
  await press(far, 'first-go')
  tabs = [first, await openTab(origin), await openTab(origin)]
  for (const page of tabs) await report(page)
  await far.evaluate(() => void (globalThis.acknowledge = () => undefined), undefined)
  await handedOver(tabs)
  for (const [at, page] of tabs.entries()) await beginWork(anyPage(page), `tab ${at + 1}`)
  await beginWork(far, 'far')
  await everyonePublishes(tabs)
})
afterEach(async () => {
  await Promise.all([firefox.close(), chrome.close()])
  await hub.stop()
  removeDataFolder(hub.dataFolder)
})

test('[G8] Firefox: the leader is closed, the next one goes elsewhere and comes back: each time another tab leads, connected, and there is one history', async () => {
  const first = await handedOver(tabs)
  await first.close()
  const left = tabs.filter((page) => page !== first)
  const second = await handedOver(left)
  await everyonePublishes(left)
  await second.goto('about:blank')
  const last = left.filter((page) => page !== second)
  await handedOver(last)
  await everyonePublishes(last)
  // Kept or loaded anew, as the browser found it.
  await second.goBack()
  await second.waitForFunction(() => globalThis.millpond !== undefined)
  await handedOver([...last, second])
  expect(await leads(second)).toBe(false)
  await expectOneHistory(last)
  await expect.poll(() => historyOf(anyPage(second)), soon).toEqual(await historyOf(far))
})
