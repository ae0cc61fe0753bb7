import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { beginFloor, connected, holding, inviteLink, joinFloor, nodeIdOf } from '../floor/tablet-page.ts'
import { makeDataFolder, removeDataFolder, startHub, type HubProcess } from '../hub/hub-process.ts'
import { freeze, hide, launchPlain, resume, type PlainBrowser } from './plain-browser.ts'
import { shown, statesOf, unchangedFor, watchStates } from './seen-states.ts'
import { reopen } from './two-tablets.ts'

// What another tablet shows of one whose page is hidden, frozen or closed, and whose browser stands still or is killed. Each tablet is a browser of its own.

const folder = mkdtempSync(path.join(os.tmpdir(), 'millpond-far-'))
let hub: HubProcess
let origin: string
let near: { browser: PlainBrowser; page: Page }
let far: { readonly browser: PlainBrowser; readonly page: Page }
/** Another page of the near tablet's window. */
let front: Page
let nearId: string
/** Entries that the near tablet holds of the far one. */
let published = 0

beforeAll(async () => {
  hub = await startHub(makeDataFolder())
  origin = `http://localhost:${hub.httpPort}`
  const [first, second] = [await launchPlain(path.join(folder, 'near')), await launchPlain(path.join(folder, 'far'))]
  front = await first.context.newPage()
  near = { browser: first, page: await first.context.newPage() }
  far = { browser: second, page: await second.context.newPage() }
  await beginFloor(near.page, origin, 'Turning 1')
  const link = await inviteLink(near.page)
  await joinFloor(far.page, `${origin}/${link.slice(link.indexOf('#'))}`, 'Packing 2')
  await connected(far.page, 1)
  nearId = await nodeIdOf(near.page)
})
afterAll(async () => {
  await near.browser.end()
  await far.browser.end()
  await hub.stop()
  removeDataFolder(hub.dataFolder)
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
})


beforeEach(() => watchStates(far.page, nearId))

const publishAfar = (): Promise<void> =>
  far.page.evaluate(async (at) => void (await globalThis.millpond?.publish([{ tags: ['numbered'], event: at }])), ++published)

/** The near tablet is connected again, and gets what was published meanwhile. */
const goesOn = async (): Promise<void> => {
  await shown(far.page, 'connected')
  await holding(near.page, { [`${await nodeIdOf(far.page)}-0`]: published - 1 })
}

const usedStandbys = (page: Page): Promise<number> => page.evaluate(() => (globalThis.millpond?.status().notices ?? []).filter(({ code }) => code === 'STANDBY-USED').length)

test('[G6] a tablet whose page is hidden is asleep, and connected again when somebody looks at it', async () => {
  await hide(near.page, front)
  await shown(far.page, 'asleep')
  await publishAfar()
  await holding(near.page, { [`${await nodeIdOf(far.page)}-0`]: published - 1 })
  await near.page.bringToFront()
  await goesOn()
  expect(await statesOf(far.page)).toEqual(['connected', 'asleep', 'connected'])
})

test('[G6] [G1] a tablet whose page is frozen is asleep, however long, and goes on over the same connection', async () => {
  const frozen = await freeze(near.page, front)
  await shown(far.page, 'asleep')
  await publishAfar()
  // Without a word for longer than any connection of a page that is looked at is left alone.
  await unchangedFor(far.page, 30_000)
  await resume(near.page, frozen)
  await goesOn()
  expect(await statesOf(far.page)).toEqual(['connected', 'asleep', 'connected'])
  expect([await usedStandbys(near.page), await usedStandbys(far.page)]).toEqual([0, 0])
})

test('[G6] a tablet that is closed is gone at once', async () => {
  await near.page.close()
  await shown(far.page, 'gone')
  await publishAfar()
  near.page = await reopen(near.browser.context, origin)
  await goesOn()
  expect(await statesOf(far.page)).toEqual(['connected', 'gone', 'connected'])
})

test('[G6] [G1] a tablet that stands still is suspect, then gone, and comes back by itself', async () => {
  near.browser.signal('SIGSTOP')
  await shown(far.page, 'gone')
  await publishAfar()
  near.browser.signal('SIGCONT')
  await goesOn()
  expect(await statesOf(far.page)).toEqual(['connected', 'suspect', 'gone', 'connected'])
})

/** Its browser ends by SIGKILL. @returns what opens it again */
const killNear = async (): Promise<() => Promise<void>> => {
  await near.browser.kill()
  return async () => {
    const browser = await launchPlain(path.join(folder, 'near'))
    near = { browser, page: await reopen(browser.context, origin) }
  }
}

test('[G3] [G1] a tablet that is killed and opened at once is never gone: the new connection is there before the old one goes', async () => {
  const open = await killNear()
  await publishAfar()
  await open()
  await holding(near.page, { [`${await nodeIdOf(far.page)}-0`]: published - 1 })
  await goesOn()
  expect((await statesOf(far.page)).filter((state) => state !== 'suspect')).toEqual(['connected'])
})

test('[G6] [G1] a tablet whose browser was killed is suspect, then gone, and comes back when it is opened', async () => {
  const open = await killNear()
  await shown(far.page, 'gone')
  await publishAfar()
  await open()
  await goesOn()
  expect(await statesOf(far.page)).toEqual(['connected', 'suspect', 'gone', 'connected'])
})
