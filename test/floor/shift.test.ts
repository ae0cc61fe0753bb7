import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cutOff, expectTrueClaims, type FloorTablet, offsetsOf, watchClaims } from './claims.ts'
import { createFloor, returnForbidden, type Floor, type Tablet } from './floor.ts'
import { splitLog } from './production-log.ts'
import { beginFloor, chipOf, connected, historyOf, holding, inviteLink, joinFloor, nodeIdOf, ordersText, presentOf, publishInSteps, show } from './tablet-page.ts'

const stepSize = 50
const momentMs = 5000

let floor: Floor
const browsers: Tablet[] = []

beforeAll(async () => {
  floor = await createFloor(3)
  await floor.startHub()
  // The first may not make a connection again after its reload, so that it needs the hub then.
  for (const n of [1, 2, 3]) browsers.push(await floor.tablet(n, n === 1 ? [returnForbidden] : []))
})
afterAll(() => floor.close())

const pageOf = (n: number): Page => {
  const page = browsers[n - 1]?.page
  if (page === undefined) throw new Error(`there is no tablet ${n}`)
  return page
}
/** A moment: so long after the last publish or change of a link. */
const moment = (): Promise<void> => pageOf(1).waitForTimeout(momentMs)

const meet = async (): Promise<readonly FloorTablet[]> => {
  await beginFloor(pageOf(1), floor.hubOrigin, 'Turning and Milling 4')
  await pageOf(1).evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  const link = await inviteLink(pageOf(1))
  await joinFloor(pageOf(2), link, 'Laser Marking')
  await joinFloor(pageOf(3), link, 'Packing')
  await Promise.all([1, 2, 3].map((n) => connected(pageOf(n), 2)))
  return Promise.all([1, 2, 3].map(async (n) => ({ nodeId: await nodeIdOf(pageOf(n)), page: () => pageOf(n) })))
}

test('[G1] [G2] [G3] [G4] [G5] three tablets share a real shift through a Wi-Fi dropout', async () => {
  const parts = splitLog(3)
  expect(parts.reduce((sum, part) => sum + part.length, 0)).toBe(9906)
  const third = (n: number, which: number): Promise<void> => {
    const part = parts[n - 1] ?? []
    const size = Math.ceil(part.length / 3)
    return publishInSteps(pageOf(n), part.slice(which * size, (which + 1) * size), stepSize)
  }
  const tablets = await meet()
  const [first] = tablets
  if (first === undefined) throw new Error('no tablets')
  const lies: string[] = []
  const watched = async (work: () => Promise<void>): Promise<void> => {
    const watch = watchClaims(tablets)
    await work()
    const result = await watch.stop()
    expect(result.rounds).toBeGreaterThan(0)
    lies.push(...result.lies)
  }

  await watched(async () => {
    await Promise.all([1, 2, 3].map((n) => third(n, 0)))
    await moment()
  })
  await expectTrueClaims(tablets)

  const cut = cutOff(first.nodeId, await offsetsOf(tablets))
  await floor.link(1).down()
  await watched(moment)
  await expectTrueClaims(tablets, cut)

  // The first goes on alone, the others finish.
  await watched(async () => {
    await Promise.all([third(1, 1), ...[2, 3].map(async (n) => {
      await third(n, 1)
      await third(n, 2)
    })])
    await moment()
  })
  await expectTrueClaims(tablets, cut)

  // Reloaded while cut off: it shows its own entries and its screens.
  const before = await presentOf(pageOf(1))
  await pageOf(1).reload()
  expect((await ordersText(pageOf(1))).length).toBeGreaterThan(0)
  expect(await presentOf(pageOf(1))).toEqual(before)
  expect((await chipOf(pageOf(1))).text).toMatch(/only here/)

  // Its link comes back while the hub is off.
  await floor.stopHub()
  await floor.link(1).up()
  await watched(moment)
  await expectTrueClaims(tablets, cut)
  await show(pageOf(1), 'tablets')
  await pageOf(1).locator('[data-testid=hub][data-state=unreachable]').waitFor()
  expect(await pageOf(1).getByTestId('hub').innerText()).toMatch(/off since/)
  expect(await pageOf(1).getByTestId('banner').innerText()).toMatch(/Cut off since .*Work goes on and nothing is lost/s)
  await watched(() => third(1, 2))

  // The hub comes back: the tablet reconnects and catches up by itself.
  await floor.startHub()
  await Promise.all([1, 2, 3].map((n) => connected(pageOf(n), 2)))
  const all = Object.fromEntries(tablets.map(({ nodeId }, index) => [`${nodeId}-0`, (parts[index]?.length ?? 0) - 1]))
  await watched(async () => {
    await Promise.all([1, 2, 3].map((n) => holding(pageOf(n), all)))
    await moment()
  })
  await expectTrueClaims(tablets)
  expect(await Promise.all([1, 2, 3].map(async (n) => (await chipOf(pageOf(n))).text))).toEqual(Array.from({ length: 3 }, () => 'On all 3 tablets 2 of 2 in reach'))
  expect(lies).toEqual([])

  // With no link up, each reloaded: the same everywhere.
  for (const n of [1, 2, 3]) await floor.link(n).down()
  for (const n of [1, 2, 3]) await pageOf(n).reload()
  const orders = await Promise.all([1, 2, 3].map((n) => ordersText(pageOf(n))))
  expect(orders[0]?.length).toBeGreaterThan(100)
  expect([orders[1], orders[2]]).toEqual([orders[0], orders[0]])
  const histories = await Promise.all([1, 2, 3].map((n) => historyOf(pageOf(n))))
  expect(histories[0]?.count).toBe(9906)
  expect([histories[1], histories[2]]).toEqual([histories[0], histories[0]])
  for (const n of [1, 2, 3]) expect(await presentOf(pageOf(n))).toEqual(all)
})
