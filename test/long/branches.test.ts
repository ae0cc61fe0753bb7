import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connected, historyOf, holding, inviteLink, joinFloor, nodeIdOf, ownOf, presentOf, publishInSteps, show } from '../floor/tablet-page.ts'
import { openTwoTablets, reopen, type TwoTablets } from './two-tablets.ts'

// Browser profiles are copied, and the copies run: a backup put back, a clone, one set-up image on several tablets.

const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

let tablets: TwoTablets
let folder: string
const running = new Set<BrowserContext>()

const profile = (name: string): string => path.join(folder, name)

const open = async (name: string): Promise<BrowserContext> => {
  const context = await chromium.launchPersistentContext(profile(name), { executablePath: '/usr/bin/chromium', args })
  running.add(context)
  return context
}

/** The app in a profile that knows its floor. Apart: it reaches no hub and nobody. */
const start = async (name: string, apart = false): Promise<{ readonly page: Page; readonly context: BrowserContext }> => {
  const context = await open(name)
  if (apart) {
    await context.routeWebSocket(/.*/, (socket) => socket.close())
    await context.addInitScript(() => {
      globalThis.RTCPeerConnection = class extends RTCPeerConnection {
        constructor() {
          super()
          throw new DOMException('this tablet is apart', 'NotAllowedError')
        }
      }
    })
  }
  return { context, page: await reopen(context, tablets.origin) }
}

const stop = async (context: BrowserContext): Promise<void> => {
  running.delete(context)
  await context.close()
}

const numbered = (text: string, count: number) => Array.from({ length: count }, (_, at) => ({ tags: ['numbered'], event: { text, at, pad: '.'.repeat(300) } }))

/** A profile of a tablet that joined and published `count` events, closed. */
const makeTablet = async (name: string, count: number): Promise<string> => {
  const context = await open(name)
  const page = await context.newPage()
  const link = await inviteLink(tablets.first)
  await joinFloor(page, `${tablets.origin}/${link.slice(link.indexOf('#'))}`, `Milling ${name}`)
  await connected(page, 2)
  await publishInSteps(page, numbered('common', count), 20)
  await holding(tablets.first, await ownOf(page))
  const nodeId = await nodeIdOf(page)
  await stop(context)
  return nodeId
}

const copy = (from: string, to: string): void => {
  rmSync(profile(to), { recursive: true, force: true })
  cpSync(profile(from), profile(to), { recursive: true })
}

const textsOf = (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const texts: string[] = []
    for await (const { payload } of globalThis.millpond?.query({}) ?? []) texts.push(`${(payload as { text: string }).text} ${(payload as { at: number }).at}`)
    return texts.sort()
  })

/** Waits until all hold the same streams with the same events. @param versions of the streams of `of` there are so many in the end: before, all may be equal for a moment */
const untilEqual = async (pages: readonly Page[], of: string, versions: number): Promise<Readonly<Record<string, number>>> => {
  const streams = async () => (await Promise.all(pages.map(presentOf))).map((present) => Object.entries(present).sort())
  await expect.poll(async () => {
    const all = await streams()
    return [new Set(all.map((each) => JSON.stringify(each))).size, all[0]?.filter(([stream]) => stream.startsWith(`${of}-0`)).length]
  }, { timeout: 60_000, interval: 300 }).toEqual([1, versions])
  const histories = await Promise.all(pages.map(historyOf))
  expect(histories).toEqual(histories.map(() => histories[0]))
  return presentOf(pages[0] as Page)
}

const historiesShown = async (page: Page): Promise<string> => {
  await show(page, 'tablets')
  return page.locator('[data-testid=histories]').innerText()
}

beforeAll(async () => {
  tablets = await openTwoTablets()
  folder = mkdtempSync(path.join(tmpdir(), 'millpond-branches-'))
})
afterAll(async () => {
  for (const context of running) await context.close()
  await tablets.close()
  rmSync(folder, { recursive: true, force: true })
})

test('[R42] [R44] [R45] an older copy that was published into before it met anybody: both histories are on all, also on who was off that day', async () => {
  const { first, second, contextOf, origin } = tablets
  const old = await makeTablet('one', 30)
  await second.close()
  copy('one', 'backup')
  const later = await start('one')
  await publishInSteps(later.page, numbered('before the loss', 40), 5)
  await holding(first, { [`${old}-0`]: 69 })
  await stop(later.context)

  copy('backup', 'one')
  const apart = await start('one', true)
  expect(await nodeIdOf(apart.page)).toBe(old)
  await publishInSteps(apart.page, numbered('alone', 10), 5)
  await stop(apart.context)
  await first.evaluate(() => {
    const followed = { texts: [] as string[], reasons: [] as string[], live: [] as string[] }
    globalThis.millpond?.subscribe({ where: [{ tags: ['numbered'] }] }, {
      events: (chunk) => chunk.forEach(({ payload }) => followed.texts.push(`${(payload as { text: string }).text} ${(payload as { at: number }).at}`)),
      timeTravel: (_, reason) => {
        followed.reasons.push(reason)
        followed.texts = []
      },
      failed: (error) => followed.reasons.push(error.message),
    })
    globalThis.millpond?.subscribeAql("FROM 'numbered' AGGREGATE COUNT(_)", {
      answers: (answers) => answers.forEach((answer) => answer.type === 'event' && followed.live.push(JSON.stringify(answer.payload))),
      failed: (error) => followed.live.push(error.message),
    })
    Object.assign(globalThis, { followed })
  })
  const { page, context } = await start('one')
  await page.waitForFunction((former) => globalThis.millpond?.nodeId !== former, old, { polling: 50 })
  await publishInSteps(page, numbered('since', 3), 1)
  const present = await untilEqual([page, first], old, 3)
  expect(Object.entries(present).filter(([stream]) => stream.startsWith(old)).map(([stream, last]) => [stream.split('~').length, last]).sort()).toEqual([[1, 29], [2, 39], [2, 69]])
  const texts = await textsOf(page)
  for (const [text, count] of [['common', 30], ['before the loss', 40], ['alone', 10], ['since', 3]] as const) expect(texts.filter((each) => each.startsWith(text))).toHaveLength(count)
  // Who follows has been told, and has been given all of both histories, each entry once.
  const followed = () => first.evaluate(() => (globalThis as unknown as { followed: { texts: string[]; reasons: string[]; live: string[] } }).followed)
  await expect.poll(async () => (await followed()).texts.toSorted(), { timeout: 20_000 }).toEqual(texts)
  expect((await followed()).reasons).toContain('forked')
  await expect.poll(async () => (await followed()).live.at(-1), { timeout: 10_000 }).toBe(`${texts.length}`)
  for (const each of [page, first]) expect(await historiesShown(each)).toMatch(/has 2 histories since .*(40 \+ 10|10 \+ 40) entries/s)

  // Who was off that day.
  await stop(context)
  const back = await reopen(contextOf.second, origin)
  expect(await untilEqual([back, first], old, 3)).toEqual(present)
  expect(await historiesShown(back)).toMatch(/2 histories/)
}, 240_000)

test('[R10] [R42] a profile copied and both copies running, in reach of each other: each goes on under a name of its own, and all is on both', async () => {
  const { first } = tablets
  const old = await makeTablet('two', 20)
  copy('two', 'clone')
  const [a, b] = [await start('two'), await start('clone')]
  for (const { page } of [a, b]) await page.waitForFunction((former) => globalThis.millpond?.nodeId !== former, old, { polling: 50 })
  await Promise.all([a, b].map(({ page }, at) => publishInSteps(page, numbered(`clone ${at}`, 12), 2)))
  expect(await nodeIdOf(a.page)).not.toBe(await nodeIdOf(b.page))
  await untilEqual([a.page, b.page, first], old, 1)
  const texts = await textsOf(first)
  for (const text of ['clone 0', 'clone 1']) expect(texts.filter((each) => each.startsWith(text))).toHaveLength(12)
  for (const { page } of [a, b]) {
    await show(page, 'tablets')
    await page.locator('[data-testid=notices] [data-code=IDENTITY-CHANGED]').waitFor()
  }
  for (const { context } of [a, b]) await stop(context)
}, 180_000)

test('[R44] copies that ran apart: what each recorded is on all once they meet, one set-up image on three tablets', async () => {
  const { first } = tablets
  const old = await makeTablet('image', 5)
  const names = ['image 1', 'image 2', 'image 3']
  for (const name of names) {
    copy('image', name)
    const apart = await start(name, true)
    await publishInSteps(apart.page, numbered(name, 7), 7)
    expect(await nodeIdOf(apart.page)).toBe(old)
    await stop(apart.context)
  }
  const all = []
  for (const name of names) all.push(await start(name))
  for (const { page } of all) await page.waitForFunction((former) => globalThis.millpond?.nodeId !== former, old, { polling: 50 })
  const present = await untilEqual([...all.map(({ page }) => page), first], old, 4)
  expect(Object.keys(present).filter((stream) => stream.startsWith(`${old}-0`))).toHaveLength(4)
  const texts = await textsOf(first)
  for (const name of names) expect(texts.filter((each) => each.startsWith(name))).toHaveLength(7)
  expect(new Set(await Promise.all(all.map(({ page }) => nodeIdOf(page)))).size).toBe(3)
  expect(await historiesShown(first)).toContain('3 histories')
}, 240_000)
