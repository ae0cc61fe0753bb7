import type { Page } from 'playwright-core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { nodeIdOf, show } from '../floor/tablet-page.ts'
import { freeze, resume } from './plain-browser.ts'
import { endWork, goOnWorking, lifeOf, openThreeTabs, reached, type ThreeTabs } from './three-tabs.ts'
import { besideTheApp } from './two-tablets.ts'

// Three tabs of one browser profile publish at full speed, and so does another tablet, while the tab with the connections goes away.

let tablet: ThreeTabs
let lead: Page
let followers: readonly Page[]
let ids: { readonly own: string; readonly far: string }

const soon = { timeout: 30_000, interval: 100 }

beforeEach(async () => {
  tablet = await openThreeTabs()
  const [first, ...others] = tablet.tabs
  if (first === undefined) throw new Error('there is no tab')
  lead = first
  followers = others
  ids = { own: await nodeIdOf(lead), far: await nodeIdOf(tablet.far) }
  await lead.waitForFunction(() => globalThis.millpond?.status().leader, undefined, { polling: 50 })
  await everyonePublishes([...tablet.tabs, tablet.far])
  await sameShown(tablet.tabs)
})
afterEach(() => tablet.close())

const leads = (page: Page): Promise<boolean> => page.evaluate(() => globalThis.millpond?.status().leader ?? false)

const acknowledgedIn = (page: Page): Promise<number> => page.evaluate(() => globalThis.atWork?.acknowledged ?? 0)

/** Resolves when each has had 20 more entries acknowledged. */
const everyonePublishes = async (pages: readonly Page[], within = soon): Promise<void> => {
  const counts = () => Promise.all(pages.map(acknowledgedIn))
  const before = await counts()
  await expect.poll(async () => (await counts()).every((count, at) => count >= (before[at] ?? 0) + 20), within).toBe(true)
}

/** How many tabs have asked for the leader's lock and wait. */
const waitingForLead = (): Promise<number> =>
  lead.evaluate(async () => (await navigator.locks.query()).pending?.filter(({ name }) => name?.endsWith('/leader')).length ?? 0)

/** Exactly one of these tabs leads, and is connected with the other tablet. */
const handedOver = async (pages: readonly Page[]): Promise<void> => {
  await expect.poll(async () => (await Promise.all(pages.map(leads))).filter(Boolean).length, soon).toBe(1)
  for (const page of [...pages, tablet.far]) await reached(page)
}

/** All tabs show of the other tablet what the leader does. */
const sameShown = async (pages: readonly Page[]): Promise<void> => {
  const shown = () => Promise.all(pages.map((page) => page.evaluate(() => {
    const status = globalThis.millpond?.status()
    return JSON.stringify([status?.peers.map(({ nodeId, name, state, sinceMicros, standbys }) => [nodeId, name, state, sinceMicros, standbys]), status?.hubs, status?.cutOffSinceMicros])
  })))
  await expect.poll(async () => new Set(await shown()).size, soon).toBe(1)
}

interface Told {
  readonly eventId: string
  readonly payload: unknown
}

const historyOf = (page: Page): Promise<readonly Told[]> =>
  page.evaluate(async () => {
    const told: { eventId: string; payload: unknown }[] = []
    for await (const { meta, payload } of globalThis.millpond?.query({}) ?? []) told.push({ eventId: meta.eventId, payload })
    return told
  })

const offsetsOf = (page: Page): Promise<Readonly<Record<string, readonly number[]>>> =>
  page.evaluate(async () => {
    const offsets: Record<string, number[]> = {}
    for await (const { meta } of globalThis.millpond?.query({}) ?? []) (offsets[meta.stream] ??= []).push(meta.offset)
    return offsets
  })

/** Ends all work; then there is one history, on both tablets and in every tab, of all that was acknowledged, and nobody was taken for another. @returns how many were acknowledged */
const oneHistory = async (pages: readonly Page[]): Promise<number> => {
  await Promise.all([...pages, tablet.far].map(endWork))
  await expect.poll(async () => (await historyOf(tablet.far)).length - (await historyOf(pages[0] ?? lead)).length, soon).toBe(0)
  const history = await historyOf(tablet.far)
  const offsets = await offsetsOf(tablet.far)
  expect(Object.keys(offsets).toSorted()).toEqual([`${ids.own}-0`, `${ids.far}-0`].toSorted())
  for (const [stream, seen] of Object.entries(offsets)) expect({ stream, seen }).toEqual({ stream, seen: seen.map((_, at) => at) })
  const byPayload = new Map(history.map(({ payload, eventId }) => [payload, eventId]))
  expect(byPayload.size).toBe(history.length)
  expect([...tablet.acknowledged].filter(([payload, eventId]) => byPayload.get(payload) !== eventId)).toEqual([])
  for (const page of [...pages, tablet.far]) {
    expect(await historyOf(page)).toEqual(history)
    await expect.poll(() => page.evaluate(() => globalThis.atWork?.given.size), soon).toBe(history.length)
    expect(await page.evaluate(() => ({ nodeId: globalThis.millpond?.nodeId, doubles: globalThis.atWork?.doubles, refused: globalThis.atWork?.refused }))).toEqual({ nodeId: page === tablet.far ? ids.far : ids.own, doubles: 0, refused: [] })
    const codes = await noticesOf(page)
    expect(codes.filter((code) => /IDENTITY|FORK|TWIN|STORE|LOWERED|FAILED/.test(code))).toEqual([])
  }
  return tablet.acknowledged.size
}

const noticesOf = (page: Page): Promise<readonly string[]> => page.evaluate(() => (globalThis.millpond?.status().notices ?? []).map(({ code }) => code))

test('[G8] the leader is closed: another tab leads, connected, and there is one history', async () => {
  await lead.close()
  await handedOver(followers)
  await everyonePublishes([...followers, tablet.far])
  await sameShown(followers)
  expect(await oneHistory(followers)).toBeGreaterThan(200)
})

test('[G8] [G4] the leader crashes: another tab leads, connected, and there is one history', async () => {
  const crashed = lead.waitForEvent('crash')
  const session = await tablet.context.newCDPSession(lead)
  session.send('Page.crash').catch((error: unknown) => console.log('the page answers no more:', String(error)))
  await crashed
  await handedOver(followers)
  await everyonePublishes([...followers, tablet.far])
  await sameShown(followers)
  expect(await oneHistory(followers)).toBeGreaterThan(200)
})

test('[G8] the leader goes into the back/forward cache: another tab that already waited leads, and who returns follows', async () => {
  // A page that leaves inside a transaction for which another tab waits is thrown out: `IgnoreEventAndEvict`.
  await Promise.all([...tablet.tabs, tablet.far].map(endWork))
  expect(await waitingForLead()).toBe(2)
  await lead.goto(`${tablet.origin}/config.json`)
  await Promise.all(followers.map(goOnWorking))
  await handedOver(followers)
  await everyonePublishes(followers)
  await lead.goBack({ waitUntil: 'commit' })
  // Chromium freezes what it keeps there.
  await expect.poll(() => lifeOf(lead), soon).toEqual(['pagehide true', 'freeze', 'resume', 'pageshow true'])
  await handedOver(tablet.tabs)
  expect(await leads(lead)).toBe(false)
  await everyonePublishes(followers)
  await sameShown(tablet.tabs)
  expect(await oneHistory(tablet.tabs)).toBeGreaterThan(200)
})

test('[G8] the leader leaves while it publishes: another tab leads, and there is one history with all that was acknowledged', async () => {
  await lead.goto(`${tablet.origin}/config.json`)
  await handedOver(followers)
  await everyonePublishes([...followers, tablet.far])
  // Kept or loaded anew, as the browser found it.
  await lead.goBack({ waitUntil: 'commit' })
  await lead.waitForFunction(() => globalThis.millpond !== undefined, undefined, { polling: 50 })
  await handedOver(tablet.tabs)
  expect(await leads(lead)).toBe(false)
  await sameShown(tablet.tabs)
  const isKept = await lead.evaluate(() => globalThis.atWork !== undefined)
  expect(await oneHistory(isKept ? tablet.tabs : followers)).toBeGreaterThan(200)
  await expect.poll(() => historyOf(lead), soon).toEqual(await historyOf(tablet.far))
})

test('[G8] the leader is frozen: another tab leads, and who wakes follows', async () => {
  const [front] = followers
  if (front === undefined) throw new Error('there is no follower')
  // What happens to one that is frozen inside a transaction is the next test.
  await Promise.all([lead, tablet.far].map(endWork))
  const session = await freeze(lead, front)
  await handedOver(followers)
  await everyonePublishes(followers)
  await resume(lead, session)
  await handedOver(tablet.tabs)
  expect(await leads(lead)).toBe(false)
  await everyonePublishes(followers)
  await sameShown(tablet.tabs)
  expect(await oneHistory(tablet.tabs)).toBeGreaterThan(200)
})

/** Holds the disk so that nobody else gets to write, until it is let go. */
const holdDisk = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    const name = (await indexedDB.databases()).map((database) => database.name ?? '').find((one) => one.startsWith('millpond-')) ?? ''
    const opening = indexedDB.open(name)
    const database = await new Promise<IDBDatabase>((resolve) => opening.addEventListener('success', () => resolve(opening.result)))
    const [store] = database.objectStoreNames
    const transaction = database.transaction([...database.objectStoreNames], 'readwrite')
    globalThis.isHeld = true
    await new Promise<void>((held) => {
      const keep = () => {
        if (!globalThis.isHeld || store === undefined) return database.close()
        transaction.objectStore(store).count().addEventListener('success', () => {
          held()
          keep()
        })
      }
      keep()
    })
  })

declare global {
  var isHeld: boolean
  var openTransactions: number
}

/** Counts the transactions that a page has begun to write in and that end only by its doing. One that is committed ends by itself, also when the page is frozen. */
const countTransactions = (page: Page): Promise<void> =>
  page.evaluate(() => {
    globalThis.openTransactions = 0
    const { transaction } = IDBDatabase.prototype
    IDBDatabase.prototype.transaction = function (stores, mode, options) {
      const begun = transaction.call(this, stores, mode, options)
      if (mode !== 'readwrite') return begun
      let isOpen = true
      const end = () => {
        if (isOpen) globalThis.openTransactions--
        isOpen = false
      }
      globalThis.openTransactions++
      for (const word of ['complete', 'abort']) begun.addEventListener(word, end)
      const commit = begun.commit.bind(begun)
      begun.commit = () => {
        end()
        commit()
      }
      return begun
    }
  })

test('[G8] [G6] the leader is frozen inside a transaction: what the other tabs publish waits, says so, and is kept', async () => {
  const [front] = followers
  if (front === undefined) throw new Error('there is no follower')
  await countTransactions(lead)
  const session = await besideTheApp(tablet.context, tablet.origin, async (beside) => {
    await holdDisk(beside)
    await lead.waitForFunction(() => globalThis.openTransactions > 0, undefined, { polling: 20 })
    const frozen = await freeze(lead, front)
    await beside.evaluate(() => {
      globalThis.isHeld = false
    })
    return frozen
  })
  // Its turn comes and it does not go on.
  for (const page of followers) await expect.poll(() => noticesOf(page), soon).toContain('PUBLISH-SLOW')
  await show(front, 'tablets')
  await front.locator('[data-code=PUBLISH-SLOW]').getByText('An entry waits for the disk of this tablet.').waitFor()
  const before = await Promise.all(followers.map(acknowledgedIn))
  await expect(everyonePublishes(followers, { timeout: 3_000, interval: 500 })).rejects.toThrow('expected false to be true')
  expect(await Promise.all(followers.map(acknowledgedIn))).toEqual(before)
  await resume(lead, session)
  await handedOver(tablet.tabs)
  await everyonePublishes([...tablet.tabs, tablet.far])
  await sameShown(tablet.tabs)
  expect(await oneHistory(tablet.tabs)).toBeGreaterThan(200)
})
