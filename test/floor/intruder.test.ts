import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundlePage } from './bundle-page.ts'
import { createFloor, type Floor } from './floor.ts'
import type { Trick } from './intruder-page.ts'
import { beginFloor, connected, holding, inviteLink, joinFloor, nodeIdOf, presentOf, publishInSteps, show } from './tablet-page.ts'

let floor: Floor
let script: string

beforeAll(async () => {
  floor = await createFloor(3)
  await floor.startHub()
  script = await bundlePage('test/floor/intruder-page.ts')
})
afterAll(() => floor.close())

const events = (order: string) => [{ tags: [`order:${order}`], event: { order } }]
/** When the last session was reported that ended for want of a proof; 0: none was. */
const reportedMicros = (page: Page): Promise<number> =>
  page.evaluate(() => (globalThis.millpond?.status().notices ?? []).findLast(({ code, text }) => code === 'SESSION-ENDED' && text.startsWith('proof'))?.atMicros ?? 0)

test('[G7] who claims the right swarm without a proof of its own gets bye and nothing else, and the others go on and report it', async () => {
  const [first, second, intruder] = [(await floor.tablet(1)).page, (await floor.tablet(2)).page, (await floor.tablet(3)).page]
  await beginFloor(first, floor.hubOrigin, 'Turning 1')
  const link = await inviteLink(first)
  await joinFloor(second, link, 'Packing 2')
  await connected(first, 1)
  await publishInSteps(first, events('before'), 1)
  const before = { [`${await nodeIdOf(first)}-0`]: 0 }
  await holding(second, before)

  await intruder.goto(floor.hubOrigin)
  await intruder.evaluate(script)
  const invitation = decodeURIComponent(/#join=(.+)$/.exec(link)?.[1] ?? '')
  const tricks: readonly Trick[] = ['other key', 'echo', 'replay']
  for (const trick of tricks) {
    const reported = await Promise.all([first, second].map(reportedMicros))
    const heard = await intruder.evaluate(([text, hub, how]) => globalThis.intrude(text, hub, how, 2), [invitation, floor.hubOrigin, trick] as const)
    expect(heard.map(({ said }) => said)).toEqual([['hello', 'proof', 'bye proof'], ['hello', 'proof', 'bye proof']])
    for (const [index, page] of [first, second].entries()) {
      expect(await presentOf(page)).toEqual(before)
      expect(await reportedMicros(page)).toBeGreaterThan(reported[index] ?? 0)
    }
  }

  for (const page of [first, second]) {
    await show(page, 'tablets')
    expect(await page.getByTestId('notices').innerText()).toContain('SESSION-ENDED')
  }
  await publishInSteps(second, events('after'), 1)
  await holding(first, { ...before, [`${await nodeIdOf(second)}-0`]: 0 })
  expect(Object.keys(await presentOf(first)).length).toBe(2)
})
