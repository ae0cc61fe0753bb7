import path from 'node:path'
import type { Page } from 'playwright-core'
import { build, type Rolldown } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connected, holding, inviteLink, nodeIdOf, presentOf, publishInSteps, show } from '../floor/tablet-page.ts'
import { openTwoTablets, reopen, type TwoTablets } from './two-tablets.ts'

// Two tablets with the built app, and members of their floor that write what this version does not: real browsers, real connections.

let tablets: TwoTablets
let script: string

/** `poison-page.ts` and all it imports as one script. */
const bundle = async (): Promise<string> => {
  const built = (await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: false, target: 'es2023', lib: { entry: path.resolve('test/long/poison-page.ts'), formats: ['iife'], name: 'poisonPage' } },
  })) as readonly Rolldown.RolldownOutput[]
  const [chunk] = built[0]?.output ?? []
  if (chunk === undefined) throw new Error('nothing was built')
  return chunk.code
}

beforeAll(async () => {
  tablets = await openTwoTablets()
  script = await bundle()
})
afterAll(() => tablets.close())

/** A page of the hub's origin, without the app, in which an author runs. */
const openAuthor = async (name: string): Promise<Page> => {
  const { first, contextOf, origin } = tablets
  const page = await (await contextOf.first.browser()?.newContext())?.newPage()
  if (page === undefined) throw new Error('no browser')
  await page.goto(`${origin}/config.json`)
  await page.evaluate(script)
  const invitation = decodeURIComponent(/#join=(.+)$/.exec(await inviteLink(first))?.[1] ?? '')
  await page.evaluate(([text, hub, called]) => globalThis.openAuthor(text, hub, called), [invitation, origin, name] as const)
  return page
}

const streamOf = async (author: Page): Promise<string> => `${await author.evaluate(() => globalThis.author.nodeId)}-0`
const publishAt = (author: Page, text: string): Promise<void> => author.evaluate((what) => globalThis.author.publish(what), text)

const textsOf = (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const texts: string[] = []
    for await (const { payload } of globalThis.millpond?.query({ where: [{ tags: ['numbered'] }] }) ?? []) texts.push((payload as { text: string }).text)
    return texts
  })

const untilTexts = (page: Page, texts: readonly string[]): Promise<void> =>
  expect.poll(() => textsOf(page), { timeout: 30_000, interval: 200 }).toEqual(expect.arrayContaining([...texts]))

/** What the Swarm screen says of a code. */
const noticeOf = async (page: Page, code: string): Promise<string> => {
  await show(page, 'tablets')
  const notice = page.locator(`[data-testid=notices] [data-code=${code}]`).first()
  await notice.waitFor()
  return notice.innerText()
}

const goesOn = async (text: string): Promise<void> => {
  const { first, second } = tablets
  for (const [from, to, name] of [[first, second, 'one'], [second, first, 'other']] as const) {
    await publishInSteps(from, [{ tags: ['numbered'], event: { text: `${text} ${name}` } }], 1)
    await untilTexts(to, [`${text} ${name}`])
  }
}

test('[F3] [F27] [R32] what a later version adds to a line is passed on and read; behind a sealed line that is not valid its stream stands still, and nothing else does', async () => {
  const { first, second } = tablets
  const author = await openAuthor('Sawing 3')
  const stream = await streamOf(author)
  for (const page of [first, second]) await connected(page, 2)
  await publishAt(author, 'before')
  await author.evaluate(() => globalThis.author.write('1,"later",[[["numbered"],{"text":"with more"},null,{"codec":9}]],"more"]'))
  for (const page of [first, second]) await untilTexts(page, ['before', 'with more'])

  // An event without tags is no event.
  await author.evaluate(() => globalThis.author.write('1,"",[["numbered",{"text":"not valid"}]]]'))
  await publishAt(author, 'behind it')
  for (const page of [first, second]) expect(await noticeOf(page, 'SEGMENT-REFUSED')).toMatch(/stand still.*Sawing 3/s)
  await goesOn('beside it')
  for (const page of [first, second]) expect((await presentOf(page))[stream]).toBe(1)
  expect(await textsOf(first)).not.toContain('behind it')

  // It is asked for again after a reload, and refused again.
  await second.reload()
  await second.waitForFunction(() => globalThis.millpond !== undefined, undefined, { polling: 50 })
  await connected(second, 2)
  expect(await noticeOf(second, 'SEGMENT-REFUSED')).toMatch(/Sawing 3/)
  await goesOn('after a reload')
  expect((await presentOf(second))[stream]).toBe(1)
  await author.context().close()
}, 180_000)

test('[F19] [R32] a stream of a later format is shown as such and not stored, the connection stays, and it comes once it can be read', async () => {
  const { first, second } = tablets
  const author = await openAuthor('Bending 4')
  const stream = await streamOf(author)
  for (const page of [first, second]) await connected(page, 2)
  await author.evaluate(() => globalThis.author.setLater(true))
  await publishAt(author, 'of tomorrow')
  for (const page of [first, second]) expect(await noticeOf(page, 'STREAM-NEWER')).toMatch(/newer version.*Bending 4/s)
  await goesOn('beside tomorrow')
  for (const page of [first, second]) {
    expect((await presentOf(page))[stream]).toBeUndefined()
    await connected(page, 2)
  }
  await author.evaluate(() => globalThis.author.setLater(false))
  await publishAt(author, 'of today')
  for (const page of [first, second]) await holding(page, { [stream]: 1 })
  for (const page of [first, second]) await untilTexts(page, ['of tomorrow', 'of today'])
  await author.context().close()
}, 180_000)

test('[G1] [G6] a payload that breaks who follows it is stored and passed on: that one is told and ends, all others and the screens go on', async () => {
  const { first, second, contextOf, origin } = tablets
  await second.evaluate(() => {
    const seen = { broken: [] as string[], failed: [] as string[], whole: [] as string[], answers: [] as string[], warnings: 0 }
    const node = globalThis.millpond
    const ignore = () => undefined
    node?.subscribe({ where: [{ tags: ['count'] }] }, { events: (chunk) => chunk.forEach(({ payload }) => seen.broken.push((payload as { name: string }).name.trim())), timeTravel: ignore, failed: (error) => seen.failed.push(error.message) })
    node?.subscribe({ where: [{ tags: ['count'] }] }, { events: (chunk) => chunk.forEach(({ payload }) => seen.whole.push(JSON.stringify(payload))), timeTravel: ignore, failed: (error) => seen.failed.push(`whole: ${error.message}`) })
    node?.subscribeAql("FROM 'count' SELECT _.name + 1", {
      answers: (answers) => answers.forEach((answer) => (answer.type === 'event' ? seen.answers.push(JSON.stringify(answer.payload)) : answer.type === 'diagnostic' && seen.warnings++)),
      failed: (error) => seen.failed.push(`query: ${error.message}`),
    })
    Object.assign(globalThis, { seen })
  })
  const own = `${await nodeIdOf(first)}-0`
  const before = (await presentOf(first))[own] ?? -1
  const poison: readonly unknown[] = [{ name: 'good' }, { name: 7 }, null, { type: 'operationStarted', order: 17, operation: null, station: {}, time: 'never' }, { name: 'good again' }]
  for (const event of poison) await publishInSteps(first, [{ tags: ['count', 'operation'], event }] as never, 1)
  await holding(second, { [own]: before + poison.length })
  const seen = () => second.evaluate(() => (globalThis as unknown as { seen: { broken: string[]; failed: string[]; whole: string[]; answers: string[]; warnings: number } }).seen)
  await expect.poll(async () => (await seen()).whole.length, { timeout: 10_000 }).toBe(poison.length)
  expect(await seen()).toMatchObject({ broken: ['good'], whole: poison.map((event) => JSON.stringify(event)), answers: ['8'], warnings: 4 })
  expect((await seen()).failed).toEqual([expect.stringContaining('trim')])

  // The screens fold the same events.
  await publishInSteps(first, [{ tags: ['operation'], event: { type: 'operationStarted', order: 'W-after', operation: 'OP10', station: 'TM4', time: '2026-03-09T12:50:00.000+01:00' } }], 1)
  for (const page of [second, await reopen(contextOf.second, origin)]) {
    await show(page, 'orders')
    await page.getByText('W-after').first().waitFor()
  }
  await goesOn('beside a broken fold')
}, 120_000)
