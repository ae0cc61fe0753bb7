import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { build, type Plugin } from 'vite'
import { vi } from 'vitest'
import { startHub, type HubProcess } from '../hub/hub-process.ts'

/** Builds of the app and a copy of the built hub that serves one of them: the hub as it is, and a person who puts a new build in its place. */
export interface Builds {
  /** Where everything lies; removed with `remove`. */
  readonly folder: string
  /** Where the build lies from which the hub serves. */
  readonly served: string
  readonly builtAs: (version: number) => string
  /** Builds the app with its version on `globalThis`, and with other changes to its sources. */
  readonly build: (version: number, change?: (code: string, file: string) => string) => Promise<void>
  /** Puts a build in the place from which the hub serves, in one step, as a copy. */
  readonly serve: (version: number) => void
  /** Starts the hub, on a port that it had before or any. */
  readonly start: (data: string, port?: number) => Promise<HubProcess>
  /** A tablet of its own, which counts the loads of each window. */
  readonly openTablet: () => Promise<BrowserContext>
  readonly remove: () => void
}

export const createBuilds = (): Builds => {
  const folder = mkdtempSync(path.join(tmpdir(), 'millpond-builds-'))
  const served = path.join(folder, 'dist/app')
  const builtAs = (version: number): string => path.join(folder, 'builds', `${version}`)
  mkdirSync(path.join(folder, 'dist'), { recursive: true })
  cpSync('dist/hub', path.join(folder, 'dist/hub'), { recursive: true })
  cpSync('package.json', path.join(folder, 'package.json'))
  symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'))
  return {
    folder, served, builtAs,
    build: async (version, change = (code) => code) => {
      const changed: Plugin = { name: 'changed', enforce: 'pre', transform: (code, id) => change(id.endsWith('/src/main.ts') ? `${code}\nglobalThis.version = ${version}\n` : code, id) }
      vi.stubEnv('NODE_ENV', 'production')
      await build({ logLevel: 'error', plugins: [changed], build: { outDir: builtAs(version), emptyOutDir: true } })
      vi.unstubAllEnvs()
    },
    serve: (version) => {
      const fresh = mkdtempSync(path.join(folder, 'fresh-'))
      cpSync(builtAs(version), fresh, { recursive: true })
      rmSync(served, { recursive: true, force: true })
      renameSync(fresh, served)
    },
    start: (data, port = 0) => startHub(data, port === 0 ? [] : ['--port', `${port}`], [], path.join(folder, 'dist/hub/main.js')),
    openTablet: async () => {
      const tablet = await chromium.launchPersistentContext(mkdtempSync(path.join(folder, 'profile-')), { executablePath: '/usr/bin/chromium', args: ARGUMENTS })
      await tablet.addInitScript(() => sessionStorage.setItem('loads', String(Number(sessionStorage.getItem('loads')) + 1)))
      return tablet
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** Opens the app as the hub serves it, and waits until it is kept on the tablet. */
export const openPage = async (tablet: BrowserContext, hub: HubProcess, place = '/'): Promise<Page> => {
  const page = await tablet.newPage()
  await page.goto(`http://localhost:${hub.httpPort}${place}`)
  await page.waitForFunction(async () => (await navigator.serviceWorker.ready) && navigator.serviceWorker.controller !== null)
  return page
}

export const beginFloor = async (page: Page, name = 'Turning 4'): Promise<void> => {
  await page.getByTestId('begin').click()
  await page.getByTestId('tablet-name').fill(name)
  await page.getByTestId('first-go').click()
  await page.getByTestId('chip').waitFor()
  // A part that is loaded in the moment in which an old worker stops makes it start again, and Chromium then waits for 30 s of silence.
  await page.waitForFunction(() => globalThis.millpond?.status().hubs.some(({ state }) => state === 'ready'))
}

export const publish = (page: Page, payload: string): Promise<unknown> => page.evaluate((event) => globalThis.millpond?.publish([{ tags: ['test'], event }]), payload)

export const payloads = (page: Page): Promise<readonly unknown[]> =>
  page.evaluate(async () => {
    const found: unknown[] = []
    for await (const event of globalThis.millpond?.query({ where: [{ tags: ['test'] }] }) ?? []) found.push(event.payload)
    return found
  })

export const versionOf = (page: Page): Promise<unknown> => page.evaluate(() => Reflect.get(globalThis, 'version'))
export const atVersion = (page: Page, version: number): Promise<unknown> => page.waitForFunction((wanted) => Reflect.get(globalThis, 'version') === wanted, version)
/** Asks the hub for a newer version now. */
export const check = (page: Page): Promise<void> => page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()))
export const banner = (page: Page) => page.locator('[data-testid=banner][data-kind=update]')

export const replaced = (code: string, from: string, to: string): string => {
  if (!code.includes(from)) throw new Error(`not in the source any more: ${from}`)
  return code.replace(from, to)
}
