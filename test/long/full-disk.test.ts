import type { CDPSession, Page } from 'playwright-core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { TaggedEvent } from '../../src/index.ts'
import { createFloor, type Floor } from '../floor/floor.ts'
import { splitLog } from '../floor/production-log.ts'
import { beginFloor, connected, historyOf, holding, inviteLink, joinFloor, nodeIdOf, ordersText, ownOf, presentOf, publishInSteps, show } from '../floor/tablet-page.ts'

// The disk of a real browser: one that gets full, and one that does not give back what was written.

let floor: Floor

beforeEach(async () => {
  floor = await createFloor(2)
  await floor.startHub()
})
afterEach(() => floor.close())

const soon = { timeout: 60_000, interval: 200 }
/** What was not taken is asked for again after a minute. */
const later = { timeout: 120_000, interval: 500 }
const deadlineMs = 120_000

interface Disk {
  /** The quota is so far above what is used now. The browser enforces it and does not tell it: what it tells is always 10 GiB more than is used. */
  readonly leave: (bytes: number) => Promise<void>
  readonly makeRoom: () => Promise<void>
}

const diskOf = (page: Page, session: CDPSession): Disk => {
  const usedBytes = () => page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0)
  const allow = async (bytes: number): Promise<void> => void (await session.send('Storage.overrideQuotaForOrigin', { origin: floor.hubOrigin, quotaSize: (await usedBytes()) + bytes }))
  return {
    leave: async (bytes) => {
      await allow(bytes)
      // For half a minute it still reckons with the quota that was.
      await expect.poll(() => storeScratch(page, bytes + 500_000), soon).toBe('QuotaExceededError')
    },
    makeRoom: () => allow(20_000_000),
  }
}

/** Stores so many bytes in a database of their own and removes them again. */
const storeScratch = (page: Page, count: number): Promise<string> =>
  page.evaluate(async (length) => {
    const opening = indexedDB.open('scratch', 1)
    opening.addEventListener('upgradeneeded', () => opening.result.createObjectStore('bytes'))
    const database = await new Promise<IDBDatabase>((resolve) => opening.addEventListener('success', () => resolve(opening.result)))
    const run = (work: (bytes: IDBObjectStore) => void): Promise<string> => new Promise((resolve) => {
      const transaction = database.transaction('bytes', 'readwrite')
      work(transaction.objectStore('bytes'))
      transaction.addEventListener('complete', () => resolve('stored'))
      transaction.addEventListener('abort', () => resolve(transaction.error?.name ?? 'aborted'))
    })
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
    const outcome = await run((table) => table.put(bytes, 'scratch'))
    if (outcome === 'stored') await run((table) => table.clear())
    database.close()
    return outcome
  }, count)

const openFirst = async (): Promise<{ readonly page: Page; readonly disk: Disk }> => {
  const { page, context } = await floor.tablet(1)
  await beginFloor(page, floor.hubOrigin, 'Turning 4')
  // A disk gets full long after the app has been kept.
  await page.evaluate(async () => void (await navigator.serviceWorker.ready))
  return { page, disk: diskOf(page, await context.newCDPSession(page)) }
}

const joinSecond = async (first: Page): Promise<Page> => {
  const { page } = await floor.tablet(2)
  await joinFloor(page, await inviteLink(first), 'Milling 2')
  await Promise.all([connected(first, 1), connected(page, 1)])
  return page
}

/** Publishes ever smaller events until not even the smallest can be stored; what was acknowledged, and why the last was not. */
const fill = (page: Page): Promise<{ readonly acknowledged: readonly string[]; readonly codes: readonly string[] }> =>
  page.evaluate(async (endsMs) => {
    const node = globalThis.millpond
    if (node === undefined) throw new Error('no node is open')
    const acknowledged: string[] = []
    const codes: string[] = []
    const untilMs = performance.now() + endsMs
    // What has no pattern takes the room that it says it takes.
    const text = (bytes: number): string => Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => String.fromCharCode(33 + (byte % 90))).join('')
    for (const bytes of [4_000, 400, 1]) {
      for (let isFull = false; !isFull; ) {
        if (performance.now() > untilMs) throw new Error('the disk does not get full')
        await node.publish([{ tags: ['fill'], event: text(bytes) }]).then(
          ([meta]) => acknowledged.push(meta?.eventId ?? ''),
          (error: unknown) => {
            codes.push(error instanceof Error && 'code' in error ? String(error.code) : String(error))
            isFull = true
          },
        )
      }
    }
    return { acknowledged, codes }
  }, deadlineMs)

const stored = (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const ids: string[] = []
    for await (const { meta } of globalThis.millpond?.query({ where: [{ tags: ['fill'] }] }) ?? []) ids.push(meta.eventId)
    return ids
  })

const textOf = (page: Page, part: 'chip' | 'banner' | 'entry' | 'notices'): Promise<string> => page.getByTestId(part).innerText().then((text) => text.replace(/\s+/g, ' '))
const codesOf = (page: Page): Promise<readonly string[]> => page.evaluate(() => (globalThis.millpond?.status().notices ?? []).map(({ code }) => code))
const noticeText = async (page: Page, code: string): Promise<string> => {
  await show(page, 'tablets')
  return page.locator(`[data-testid=notices] [data-code=${code}]`).first().innerText()
}

/** As a person does it. */
const startOrder = async (page: Page, order: string): Promise<void> => {
  await show(page, 'orders')
  await page.getByRole('button', { name: 'Start an order' }).click()
  const fields = page.locator('.sheet input')
  await fields.nth(0).fill(order)
  await fields.nth(1).fill('Turning')
  await page.locator('.sheet .act').click()
}

const events = (count: number, name: string): readonly TaggedEvent[] => Array.from({ length: count }, (_, at) => ({ tags: ['shift'], event: `${name} ${at}` }))

test('[G2] [G6] [S18] on a full disk nothing that was acknowledged is lost; the entry that was not stored stays on the screen until it is', async () => {
  const { page, disk } = await openFirst()
  await disk.leave(400_000)
  const first = await fill(page)
  expect(new Set(first.codes)).toEqual(new Set(['STORE-QUOTA']))
  expect(first.acknowledged.length).toBeGreaterThan(10)

  await startOrder(page, 'A-4711')
  const entry = page.getByTestId('entry')
  await expect.poll(() => entry.getAttribute('data-state'), soon).toBe('failed')
  expect(await textOf(page, 'entry')).toMatch(/Not saved: Started Turning, A-4711 the disk of this tablet is full STORE-QUOTA Try again/)
  expect(await textOf(page, 'chip')).toMatch(/^Not saved/)
  expect(await textOf(page, 'banner')).toMatch(/^Not saved: .* disk of this tablet is full\. The entry is still on this screen/)
  await show(page, 'tablets')
  await entry.getByText('Try again').click()
  await expect.poll(() => entry.getAttribute('data-state'), soon).toBe('failed')

  await disk.makeRoom()
  await expect.poll(async () => {
    if ((await entry.getAttribute('data-state').catch(() => 'saved')) === 'failed') await entry.getByText('Try again').click()
    return page.getByTestId('entry').filter({ hasText: 'Not saved' }).count()
  }, soon).toBe(0)
  await show(page, 'orders')
  await expect.poll(() => entry.getAttribute('data-state'), soon).toBe('saved')
  expect((await ordersText(page)).join()).toContain('A-4711')
  await expect.poll(() => page.getByTestId('chip').getAttribute('data-state'), soon).not.toBe('fail')

  await disk.leave(200_000)
  const second = await fill(page)
  expect(await stored(page)).toEqual([...first.acknowledged, ...second.acknowledged])
  await page.reload()
  await page.getByTestId('chip').waitFor()
  expect(await stored(page)).toEqual([...first.acknowledged, ...second.acknowledged])
  expect((await ordersText(page)).join()).toContain('A-4711')
  await expect.poll(() => textOf(page, 'chip'), soon).toMatch(/^(Nearly full|Not saved)/)

  await disk.makeRoom()
  const other = await joinSecond(page)
  await holding(other, await ownOf(page))
  expect((await historyOf(other)).hash).toBe((await historyOf(page)).hash)
})

test('[G3] [G6] [R38] a tablet that is nearly full keeps what is recorded on it and takes nothing of the others, says so, and catches up by itself', async () => {
  const { page, disk } = await openFirst()
  const other = await joinSecond(page)
  await publishInSteps(other, events(5, 'before'), 1)
  await holding(page, await ownOf(other))
  const before = await presentOf(page)

  await disk.leave(200_000)
  let theirsCount = 0
  const isTold = async (): Promise<boolean> => (await page.getByTestId('chip').getAttribute('data-state')) === 'full'
  for (const endMs = Date.now() + deadlineMs; !(await isTold()) && Date.now() < endMs; theirsCount += 20) await publishInSteps(other, events(20, 'theirs '.padEnd(2_000, '.')), 1)
  expect(await textOf(page, 'chip')).toMatch(/^Nearly full/)
  await publishInSteps(page, events(400, 'mine'), 4)
  await startOrder(page, 'B-12')
  await expect.poll(() => page.getByTestId('entry').getAttribute('data-state'), soon).toBe('saved')
  await holding(other, await ownOf(page))
  const theirs = `${await nodeIdOf(other)}-0`
  const lacking = before[theirs] === undefined ? 0 : before[theirs] + theirsCount - ((await presentOf(page))[theirs] ?? 0)
  expect(lacking).toBeGreaterThan(0)
  await expect.poll(() => textOf(page, 'banner'), soon).toMatch(new RegExp(`nearly full: .* ${lacking} (entry|entries) of others (is|are) not kept here\\. What is recorded here still is\\.`))
  expect((await codesOf(page)).filter((code) => code.startsWith('STORE-'))).toEqual(['STORE-NEARLY-FULL'])
  expect(await noticeText(page, 'STORE-NEARLY-FULL')).toContain('no room left')

  await disk.makeRoom()
  await expect.poll(async () => (await presentOf(page))[theirs], later).toBe((await presentOf(other))[theirs])
  await expect.poll(async () => (await historyOf(page)).hash, soon).toBe((await historyOf(other)).hash)
  await expect.poll(() => page.getByTestId('chip').getAttribute('data-state'), soon).toBe('all')
})

/** Overwrites the first closed segment of a stream, behind the back of the app. */
const spoil = (page: Page, nodeId: string): Promise<void> =>
  page.evaluate(async (stream) => {
    const name = (await indexedDB.databases()).map((database) => database.name ?? '').find((each) => each.startsWith('millpond-')) ?? ''
    const done = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
      request.addEventListener('success', () => resolve(request.result))
      request.addEventListener('error', () => reject(request.error ?? new Error('failed')))
    })
    const database = await done(indexedDB.open(name))
    const segments = database.transaction('segments', 'readwrite').objectStore('segments')
    const [first] = await done(segments.getAllKeys(IDBKeyRange.bound([stream, 0], [stream, []])))
    if (first === undefined) throw new Error(`${stream} has no closed segment`)
    await done(segments.put('not what was written', first))
    database.close()
  }, `${nodeId}-0`)

/** Two tablets with a shift of which several segments are closed on either. */
const shiftOnTwo = async (): Promise<readonly [Page, Page]> => {
  const { page: first } = await openFirst()
  const second = await joinSecond(first)
  const [mine = [], theirs = []] = splitLog(2)
  await Promise.all([publishInSteps(first, mine.slice(0, 2_000), 50), publishInSteps(second, theirs.slice(0, 2_000), 50)])
  await Promise.all([holding(first, await ownOf(second)), holding(second, await ownOf(first))])
  return [first, second]
}

const sameEverywhere = async (first: Page, second: Page): Promise<void> => {
  await expect.poll(async () => (await historyOf(first).catch(() => undefined))?.hash, soon).toBe((await historyOf(second)).hash)
  await expect.poll(() => ordersText(first), soon).toEqual(await ordersText(second))
}

test('[G3] [G6] [S18] a record of another tablet that cannot be read is reported and fetched again', async () => {
  const [first, second] = await shiftOnTwo()
  const whole = await historyOf(second)
  const id = await nodeIdOf(first)
  await spoil(first, await nodeIdOf(second))
  await first.reload()
  await first.getByTestId('chip').waitFor()
  // What is on the screens begins from snapshots: it is found by who reads it, or within some minutes by the node itself.
  await expect.poll(async () => {
    await historyOf(first).catch(() => undefined)
    return codesOf(first)
  }, soon).toContain('STORE-UNREADABLE')
  await sameEverywhere(first, second)
  expect(await historyOf(first)).toEqual(whole)
  expect(await nodeIdOf(first)).toBe(id)
  const text = await noticeText(first, 'STORE-UNREADABLE')
  expect(text).toContain('fetched from the others')
  expect(text).not.toContain('no room')
})

test('[G3] [G4] [G6] [S18] a record of the own stream that cannot be read: the tablet goes on under a new identity and gets back what another holds', async () => {
  const [first, second] = await shiftOnTwo()
  const whole = await historyOf(second)
  const id = await nodeIdOf(first)
  await spoil(first, id)
  await first.reload()
  await first.getByTestId('chip').waitFor()
  await expect.poll(() => nodeIdOf(first), soon).not.toBe(id)
  expect(await codesOf(first)).toEqual(expect.arrayContaining(['STORE-UNREADABLE', 'IDENTITY-CHANGED']))
  await expect.poll(async () => (await historyOf(first).catch(() => undefined))?.hash, soon).toBe(whole.hash)
  await startOrder(first, 'C-7')
  await expect.poll(() => first.getByTestId('entry').getAttribute('data-state'), soon).toBe('saved')
  await expect.poll(async () => (await presentOf(second))[`${await nodeIdOf(first)}-0`], soon).toBe(0)
  await sameEverywhere(first, second)
  expect((await historyOf(first)).count).toBe(whole.count + 1)
})
