import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFloor, type Floor, type Tablet } from '../floor/floor.ts'
import { beginFloor, connected, inviteLink, joinFloor, show } from '../floor/tablet-page.ts'

// Three tablets whose hub is stopped for good: they come back by their standbys alone.

let floor: Floor
const tablets: Tablet[] = []

const at = (index: number): Tablet => {
  const tablet = tablets[index]
  if (tablet === undefined) throw new Error(`there is no tablet ${index + 1}`)
  return tablet
}

/** Waits until every tablet is connected with both others and holds four connections ready with each. */
const ready = async (): Promise<void> => {
  for (const { page } of tablets) {
    await connected(page, 2)
    await page.waitForFunction(() => globalThis.millpond?.status().peers.every(({ standbys }) => standbys === 4), undefined, { polling: 200 })
  }
}

/** @returns milliseconds until all are connected with each other */
const untilBack = async (): Promise<number> => {
  const began = performance.now()
  await Promise.all(tablets.map(({ page }) => connected(page, 2)))
  return performance.now() - began
}

const codesOf = ({ page }: Tablet): Promise<readonly string[]> => page.evaluate(() => (globalThis.millpond?.status().notices ?? []).map(({ code }) => code))

beforeAll(async () => {
  floor = await createFloor(3)
  await floor.startHub()
  for (const n of [1, 2, 3]) tablets.push(await floor.tablet(n))
  await beginFloor(at(0).page, floor.hubOrigin, 'Turning 1')
  const link = await inviteLink(at(0).page)
  await joinFloor(at(1).page, link, 'Laser 2')
  await joinFloor(at(2).page, link, 'Packing 3')
  for (const { page } of tablets) await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  await ready()
  await floor.stopHub()
})
afterAll(() => floor.close())

test('[R69] a tablet is reloaded ten times in a row, without a hub, and comes back to all within 5 s', async () => {
  const times: number[] = []
  for (let time = 0; time < 10; time++) {
    await at(1).page.reload()
    times.push(await untilBack())
    await ready()
  }
  console.log(`back after ${times.map((ms) => Math.round(ms)).join(', ')} ms`)
  expect(Math.max(...times)).toBeLessThan(5000)
  expect(await codesOf(at(1))).toContain('STANDBY-USED')
  await show(at(1).page, 'tablets')
  await at(1).page.locator('[data-testid=return][data-allowed=true]').waitFor()
  await at(1).page.locator('[data-code=STANDBY-USED]').first().waitFor()
})

test('[R67] [R68] all links down for 60 s: all connections come back within 5 s of them', async () => {
  for (const n of [1, 2, 3]) await floor.link(n).down()
  await at(0).page.waitForTimeout(60_000)
  expect(await Promise.all(tablets.map(({ page }) => page.evaluate(() => globalThis.millpond?.status().peers.some(({ state }) => state === 'connected'))))).toEqual([false, false, false])
  for (const n of [1, 2, 3]) await floor.link(n).up()
  const back = await untilBack()
  console.log(`back ${Math.round(back)} ms after the links`)
  expect(back).toBeLessThan(5000)
  await ready()
})

test('[R69] a tablet whose browser was killed comes back to all within 5 s of its page', async () => {
  await at(2).kill()
  tablets[2] = await floor.tablet(3)
  await at(2).page.goto(floor.hubOrigin)
  const back = await untilBack()
  console.log(`back ${Math.round(back)} ms after its page`)
  expect(back).toBeLessThan(5000)
  await ready()
})
