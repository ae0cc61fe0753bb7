import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFloor, type Floor } from './floor.ts'

let floor: Floor

beforeAll(async () => {
  floor = await createFloor(2)
  await floor.startHub()
})
afterAll(() => floor.close())

test('[G9] a tablet in a namespace of its own opens the app over HTTPS, and without its link from its own disk', async () => {
  const { page } = await floor.tablet(1)
  await page.goto(floor.hubOrigin)
  expect(await page.evaluate(() => isSecureContext)).toBe(true)
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready
  })
  await floor.link(1).down()
  await page.reload()
  await page.locator('[data-testid=first-floor]').waitFor()
  await floor.link(1).up()
  expect(await page.evaluate(async () => (await fetch('/config.json')).status)).toBe(200)
})
