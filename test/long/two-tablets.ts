import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { type HubProcess, makeDataFolder, removeDataFolder, startHub } from '../hub/hub-process.ts'
import { beginFloor, connected, inviteLink, joinFloor } from '../floor/tablet-page.ts'

/** A hub and two browser profiles on this machine, on one floor and connected. */
export interface TwoTablets {
  readonly origin: string
  readonly first: Page
  readonly second: Page
  readonly contextOf: { readonly first: BrowserContext; readonly second: BrowserContext }
  readonly close: () => Promise<void>
}

const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

export const openTwoTablets = async (): Promise<TwoTablets> => {
  const hub: HubProcess = await startHub(makeDataFolder())
  const origin = `http://localhost:${hub.httpPort}`
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args })
  const contextOf = { first: await browser.newContext(), second: await browser.newContext() }
  const [first, second] = [await contextOf.first.newPage(), await contextOf.second.newPage()]
  await beginFloor(first, origin, 'Turning 1')
  const link = await inviteLink(first)
  await joinFloor(second, `${origin}/${link.slice(link.indexOf('#'))}`, 'Packing 2')
  await connected(second, 1)
  return {
    origin, first, second, contextOf,
    close: async () => {
      await browser.close()
      await hub.stop()
      removeDataFolder(hub.dataFolder)
    },
  }
}

/** Opens the app in a profile that knows its floor. */
export const reopen = async (context: BrowserContext, origin: string): Promise<Page> => {
  const page = await context.newPage()
  await page.goto(origin)
  await page.waitForFunction(() => globalThis.millpond !== undefined, undefined, { polling: 50 })
  return page
}

/** A page of the same origin without the app: only its databases are at hand. */
export const besideTheApp = async <T>(context: BrowserContext, origin: string, work: (page: Page) => Promise<T>): Promise<T> => {
  const page = await context.newPage()
  await page.goto(`${origin}/config.json`)
  const result = await work(page)
  await page.close()
  return result
}
