import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { createFloor, type Floor } from './floor.ts'
import { beginFloor, connected, inviteLink, joinFloor, show } from './tablet-page.ts'

let floor: Floor

beforeAll(async () => {
  floor = await createFloor(2)
  await floor.startHub()
})
afterAll(() => floor.close())

/** What the policy of the hub forbids and the page did all the same, and what else went wrong in it. */
const complaintsOf = (page: Page): readonly string[] => {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || /Content.Security.Policy|Trusted|Permissions-Policy/i.test(message.text())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  return complaints
}

const closeSheet = async (page: Page): Promise<void> => {
  await page.keyboard.press('Escape')
  await page.locator('.sheet').waitFor({ state: 'detached' })
}

const walk = async (page: Page): Promise<void> => {
  for (const place of ['orders', 'tablets', 'copies', 'invite', 'import'] as const) {
    await show(page, place)
    await page.getByTestId({ orders: 'orders', tablets: 'swarm', copies: 'copies', invite: 'invite-link', import: 'import-sample' }[place]).waitFor()
  }
  await page.getByTestId('chip').click()
  await page.getByTestId('safety').waitFor()
  await closeSheet(page)
  await page.locator('header .settings').click()
  await page.locator('.sheet .key[aria-pressed]').first().waitFor()
  for (const choice of await page.locator('.sheet .key[aria-pressed]').all()) await choice.click()
  await page.getByTestId('leave').click()
  await page.getByTestId('leave-know').waitFor()
  await closeSheet(page)
  await show(page, 'orders')
  await page.locator('a.row').first().click()
  await page.getByTestId('order').waitFor()
  await page.locator('.tools .start').click()
  await page.locator('.sheet').waitFor()
  await closeSheet(page)
}

test('[G9] no screen does what the policy of the hub forbids, and none reaches out to anyone else', async () => {
  const [first, second] = [(await floor.tablet(1)).page, (await floor.tablet(2)).page]
  const complaints = [complaintsOf(first), complaintsOf(second)]
  const foreign: string[] = []
  for (const page of [first, second]) {
    page.on('request', (request) => {
      if (!/^(blob|data):/.test(request.url()) && new URL(request.url()).host !== new URL(floor.hubOrigin).host) foreign.push(request.url())
    })
  }

  await beginFloor(first, floor.hubOrigin, 'Turning and Milling 4')
  await show(first, 'import')
  await first.getByTestId('import-sample').click()
  await first.getByTestId('import-result').waitFor()
  const link = await inviteLink(first)
  await second.goto(floor.hubOrigin)
  await second.getByTestId('join-paste').click()
  await second.getByTestId('paste').fill('not an invitation')
  await joinFloor(second, link, 'Packing')
  await connected(first, 1)
  await walk(first)
  await walk(second)
  expect(await first.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state)).toBe('activated')
  expect({ complaints: complaints.flat(), foreign }).toEqual({ complaints: [], foreign: [] })

  // The watch sees what it looks for.
  const violated = first.evaluate(() => new Promise((resolve) => document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => resolve(violatedDirective), { once: true })))
  await first.evaluate(() => {
    const image = new Image()
    image.src = 'https://elsewhere.example/a.png'
  })
  expect(await violated).toBe('img-src')
  expect(complaints[0]?.length).toBeGreaterThan(0)
  const refused = await first.evaluate(() => {
    try {
      document.createElement('div').innerHTML = '<b>x</b>'
      return 'allowed'
    } catch (error) {
      return error instanceof TypeError ? 'refused' : String(error)
    }
  })
  expect(refused).toBe('refused')
})
