import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { beginFloor, inviteLink, joinFloor } from '../floor/tablet-page.ts'
import { makeDataFolder, removeDataFolder, startHub } from '../hub/hub-process.ts'
import { anyPage, type AnyPage } from './any-page.ts'
import { launchPlain } from './plain-browser.ts'
import { reopen } from './two-tablets.ts'

declare global {
  /** What a tab at work notes of itself. */
  var atWork: { stopped: boolean; acknowledged: number; readonly given: Set<string>; doubles: number; readonly life: string[]; readonly refused: string[]; lanes: readonly Promise<unknown>[]; readonly publish: () => void } | undefined
  /** Tells the test, and waits for no answer: to give one would run in a page that may be in the back/forward cache, which throws it out. */
  var acknowledge: (text: string) => void
}

/** One tablet with three tabs, and another tablet that it is connected with through a hub. */
export interface ThreeTabs {
  readonly origin: string
  readonly context: BrowserContext
  readonly tabs: readonly Page[]
  readonly far: Page
  /** Event ids of all entries whose publishing was acknowledged, by their payload. */
  readonly acknowledged: ReadonlyMap<string, string>
  readonly close: () => Promise<void>
}

/** @param switches of the browser */
export const openThreeTabs = async (switches: readonly string[] = []): Promise<ThreeTabs> => {
  const hub = await startHub(makeDataFolder())
  const origin = `http://localhost:${hub.httpPort}`
  const profile = mkdtempSync(path.join(os.tmpdir(), 'millpond-tabs-'))
  const { browser, context, end } = await launchPlain(profile, switches)
  const acknowledged = new Map<string, string>()
  const first = await context.newPage()
  await beginFloor(first, origin, 'Turning 1')
  const link = await inviteLink(first)
  const far = await (await browser.newContext()).newPage()
  await joinFloor(far, `${origin}/${link.slice(link.indexOf('#'))}`, 'Packing 2')
  const [second, third] = [await reopen(context, origin), await reopen(context, origin)]
  for (const page of [first, second, third, far]) await reached(page)
  for (const [at, page] of [first, second, third, far].entries()) {
    const session = await page.context().newCDPSession(page)
    session.on('Runtime.bindingCalled', ({ name, payload }) => {
      if (name !== 'acknowledge') return
      const [key, eventId] = JSON.parse(payload) as readonly [string, string]
      acknowledged.set(key, eventId)
    })
    await session.send('Runtime.enable')
    await session.send('Runtime.addBinding', { name: 'acknowledge' })
    await beginWork(anyPage(page), at === 3 ? 'far' : `tab ${at + 1}`)
  }
  return {
    origin, context, tabs: [first, second, third], far, acknowledged,
    close: async () => {
      await end()
      await hub.stop()
      removeDataFolder(hub.dataFolder)
      rmSync(profile, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/** Follows all entries, notes the page's life, and publishes at full speed: four entries at a time, each followed by the next when it is durable. */
export const beginWork = (page: AnyPage, name: string): Promise<void> =>
  page.evaluate((tab) => {
    const node = globalThis.millpond
    if (node === undefined) throw new Error('no node is open')
    const work = { stopped: false, acknowledged: 0, given: new Set<string>(), doubles: 0, life: [] as string[], refused: [] as string[], lanes: [] as readonly Promise<unknown>[], publish: () => {} }
    globalThis.atWork = work
    node.subscribe({}, {
      events: (chunk) => {
        for (const { meta } of chunk) {
          if (work.given.has(meta.eventId)) work.doubles++
          work.given.add(meta.eventId)
        }
      },
      timeTravel: () => work.given.clear(),
      failed: (error) => work.refused.push(String(error)),
    })
    for (const type of ['freeze', 'resume'] as const) document.addEventListener(type, () => work.life.push(type))
    addEventListener('pagehide', ({ persisted }) => work.life.push(`pagehide ${persisted}`))
    addEventListener('pageshow', ({ persisted }) => work.life.push(`pageshow ${persisted}`))
    let count = 0
    const publish = async (): Promise<void> => {
      while (!work.stopped) {
        const key = `${tab}, ${++count}`
        const [meta] = await node.publish([{ tags: ['numbered'], event: key }])
        globalThis.acknowledge(JSON.stringify([key, meta?.eventId]))
        work.acknowledged++
      }
    }
    work.publish = () => {
      work.stopped = false
      work.lanes = [1, 2, 3, 4].map(() => publish().catch((error: unknown) => work.refused.push(String(error))))
    }
    work.publish()
  }, name)

/** Resolves when the one other tablet is connected. It is so and called asleep while the page there that leads is hidden. */
export const reached = async (page: Page): Promise<void> => {
  await page.waitForFunction(() => globalThis.millpond?.status().peers.filter(({ state }) => state === 'connected' || state === 'asleep').length === 1, undefined, { polling: 100 })
}

/** Resolves when what was begun is acknowledged. */
export const endWork = (page: Pick<AnyPage, 'evaluate'>): Promise<void> =>
  page.evaluate(async () => {
    if (globalThis.atWork === undefined) throw new Error('it is not at work')
    globalThis.atWork.stopped = true
    await Promise.all(globalThis.atWork.lanes)
  }, undefined)

/** Publishes again after `endWork`. */
export const goOnWorking = (page: Page): Promise<void> => page.evaluate(() => globalThis.atWork?.publish())

/** What a tab heard of its page's life, oldest first. */
export const lifeOf = (page: Page): Promise<readonly string[]> => page.evaluate(() => [...(globalThis.atWork?.life ?? [])])
