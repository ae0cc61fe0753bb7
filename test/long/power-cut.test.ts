import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connected, heldByPeers, historyOf, holding, nodeIdOf, ownOf, presentOf, publishInSteps } from '../floor/tablet-page.ts'
import { loseThePower, powerLimit, watchPower } from './power.ts'
import { besideTheApp, openTwoTablets, reopen, type TwoTablets } from './two-tablets.ts'

// The power of a tablet fails in the middle of catching up: what its browser had not flushed is gone.

let tablets: TwoTablets

beforeAll(async () => {
  tablets = await openTwoTablets()
  await tablets.contextOf.second.addInitScript(watchPower, powerLimit)
})
afterAll(() => tablets.close())

const events = (count: number, bytes: number) => Array.from({ length: count }, (_, at) => ({ tags: ['filler'], event: { at, pad: '.'.repeat(bytes) } }))

/** Keeps in the page the most that it ever said of a node and a stream. */
const watchClaims = (page: Page, of: { readonly node: string; readonly stream: string }): Promise<void> =>
  page.evaluate(({ node, stream }) => {
    Object.assign(globalThis, { mostClaimed: -1 })
    globalThis.millpond?.observe(({ peers }) => {
      const holds: Readonly<Record<string, number>> = peers.find(({ nodeId }) => nodeId === node)?.holds ?? {}
      Object.assign(globalThis, { mostClaimed: Math.max(Number(Reflect.get(globalThis, 'mostClaimed')), holds[stream] ?? -1) })
    })
  }, of)

const crash = async (page: Page): Promise<void> => {
  const crashed = new Promise<void>((resolve) => page.once('crash', () => resolve()))
  const session = await page.context().newCDPSession(page)
  session.send('Page.crash').catch(() => undefined)
  await crashed
}

test('[G2] [R23] after a power cut a tablet comes back with lower heads, is not turned away and catches up, and nobody said more of it meanwhile', async () => {
  const { origin, first, second, contextOf } = tablets
  await publishInSteps(second, events(10, 100), 5)
  await publishInSteps(first, events(10, 100), 5)
  await holding(first, await ownOf(second))
  await holding(second, await ownOf(first))
  const [writer, loser] = [await nodeIdOf(first), await nodeIdOf(second)]
  const stream = `${writer}-0`
  await second.evaluate((name) => localStorage.setItem(name, '6'), powerLimit)
  await second.close()
  await publishInSteps(first, events(600, 3_000), 20)
  await watchClaims(first, { node: loser, stream })

  const failing = await contextOf.second.newPage()
  await failing.goto(origin)
  await failing.waitForFunction(() => globalThis.powerIsOut === true, undefined, { polling: 20 })
  await crash(failing)
  const { before, after } = await besideTheApp(contextOf.second, origin, async (page) => {
    await page.evaluate((name) => localStorage.removeItem(name), powerLimit)
    return page.evaluate(loseThePower, stream)
  })
  expect(after).toBeLessThan(before)
  expect(after).toBeGreaterThanOrEqual(10)
  const mostClaimed = () => first.evaluate(() => Number(Reflect.get(globalThis, 'mostClaimed')))
  expect(await mostClaimed()).toBeLessThan(after)

  const back = await reopen(contextOf.second, origin)
  expect(await nodeIdOf(back)).toBe(loser)
  expect(await ownOf(back)).toEqual({ [`${loser}-0`]: 9 })
  for (let claimed = -1; claimed < 609; ) {
    claimed = (await heldByPeers(first))[loser]?.[stream] ?? -1
    expect(claimed).toBeLessThanOrEqual((await presentOf(back))[stream] ?? -1)
  }
  await connected(first, 1)
  expect(await historyOf(back)).toEqual(await historyOf(first))
  const codes = await first.evaluate(() => globalThis.millpond?.status().notices.map(({ code }) => code))
  expect(codes?.filter((code) => code !== 'STANDBY-USED')).toEqual([])
})
