import type { PrecacheEntry } from 'workbox-precaching'
import { PrecacheController, PrecacheRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'
import { nextBuilds, noteBuilds, readBuilds, type Builds } from './sw-builds.ts'

// The service worker: the app comes from the cache, always, so that it starts with the hub off and no network. It never asks the network first.

declare global {
  /** Filled in by the build: every file of the app. */
  var __WB_MANIFEST: readonly PrecacheEntry[]
  /** The parts of a service worker's scope that are used here; the compiler knows this project as pages. */
  interface ExtendableEvent extends Event {
    readonly waitUntil: (work: Promise<unknown>) => void
    /** Of a navigation: the page that it makes. */
    readonly resultingClientId?: string
    /** Of an installation, in Chromium. */
    readonly addRoutes?: (routes: readonly { readonly condition: { readonly urlPattern: URLPattern }; readonly source: 'network' }[]) => Promise<void>
  }
}

interface WindowOfApp {
  readonly id: string
  readonly postMessage: (message: unknown) => void
}

interface PageMessage extends ExtendableEvent, Pick<MessageEvent<unknown>, 'data' | 'ports'> {
  readonly source: WindowOfApp
}

interface WorkerScope {
  readonly clients: { readonly claim: () => Promise<void>; readonly matchAll: (options: object) => Promise<readonly WindowOfApp[]> }
  readonly registration: Pick<ServiceWorkerRegistration, 'installing' | 'waiting'>
  readonly skipWaiting: () => Promise<void>
  readonly addEventListener: {
    (type: 'install' | 'activate', heard: (event: ExtendableEvent) => void): void
    (type: 'message', heard: (event: PageMessage) => void): void
  }
}

const worker = self as unknown as WorkerScope
// From the hub, never from the browser's own cache: a file that came broken once would else stand in the way of every later version.
const precache = new PrecacheController({ plugins: [{ requestWillFetch: async ({ request }) => new Request(request, { cache: 'reload' }) }] })
precache.addToCacheList([...self.__WB_MANIFEST])

worker.addEventListener('install', (event) => {
  event.waitUntil(Promise.all([install(event), passHubBy(event)]))
})

// Pages that were opened before the first installation are served too.
worker.addEventListener('activate', (event) => {
  event.waitUntil(Promise.all([worker.clients.claim(), takeOver(event)]))
})

worker.addEventListener('message', (event) => event.waitUntil(answer(event)))

const takeOver = async (event: ExtendableEvent): Promise<void> => {
  await noteBuilds(nextBuilds(precache.getCacheKeyForURL('/index.html') ?? '', await readBuilds()))
  await forgetOldFiles(event, undefined)
}

const answer = async (event: PageMessage): Promise<void> => {
  const { data, ports } = event
  if (typeof data !== 'object' || data === null || !('type' in data)) return
  // An update waits until a person says so.
  if (data.type === 'SKIP_WAITING') return worker.skipWaiting()
  const builds = await readBuilds()
  if (builds === undefined) return
  if (data.type === 'STARTED' && 'script' in data) await noteStart(builds, String(data.script), event)
  if (data.type === 'GO-BACK') await noteBuilds({ ...builds, started: false, isBack: true })
  if (data.type === 'GO-ON') await noteBuilds({ ...builds, isBack: false })
  ports[0]?.postMessage(builds.before !== undefined && !builds.isBack && (await caches.match(builds.before)) !== undefined)
}

/** A page has shown its first screen. `script`: what it runs, which tells its build. */
const noteStart = async (builds: Builds, script: string, event: PageMessage): Promise<void> => {
  if (builds.isBack) return event.source.postMessage({ type: 'RUNS-BEFORE' })
  if (builds.started || precache.getCacheKeyForURL(script) === undefined) return
  await noteBuilds({ ...builds, started: true })
  await forgetOldFiles(event, event.source.id)
}

/** Below these is what the hub answers by itself. */
const HUB_PATHS = ['/introduce/*', '/config.json']

/**
 * What a page asks the hub does not wake its worker. Else one that is being stopped, so that a newer version can take over, would start again,
 * and Chromium would wait until nothing was asked for 30 s, five minutes at most.
 */
const passHubBy = async (event: ExtendableEvent): Promise<void> =>
  event.addRoutes?.(HUB_PATHS.map((pathname) => ({ condition: { urlPattern: new URLPattern({ pathname }) }, source: 'network' })))

/**
 * All files, each with the bytes that the build named, or none: a version that is not whole never takes over.
 * What a broken download has brought is kept for the next attempt; after a full disk it is let go, for the room belongs to entries.
 */
const install = async (event: ExtendableEvent): Promise<void> => {
  const kept = new Set(await keptFiles())
  try {
    await precache.install(event)
  } catch (error) {
    const room = error instanceof DOMException && error.name === 'QuotaExceededError'
    if (room) await forget((await keptFiles()).filter((address) => !kept.has(address)))
    for (const page of await pages()) page.postMessage({ type: 'INSTALL-FAILED', room })
    throw error
  }
}

const keptFiles = async (): Promise<readonly string[]> => (await (await caches.open(precache.strategy.cacheName)).keys()).map(({ url }) => url)

const forget = async (addresses: readonly string[]): Promise<void> => {
  const cache = await caches.open(precache.strategy.cacheName)
  await Promise.all(addresses.map((address) => cache.delete(address)))
}

const pages = (): Promise<readonly WindowOfApp[]> => worker.clients.matchAll({ type: 'window', includeUncontrolled: true })

/**
 * Another tab may still run the version before and load a part of it late: its files stay until there is no page but the one that was just opened.
 * They also stay until this version has started once: a person may have to go back.
 * A version that waits has its files in the same cache: only the newest worker cleans up.
 */
const forgetOldFiles = async (event: ExtendableEvent, opened: string | undefined): Promise<void> => {
  if (worker.registration.installing !== null || worker.registration.waiting !== null) return
  if ((await readBuilds())?.started !== true) return
  if ((await pages()).every(({ id }) => id === opened)) await precache.activate(event)
}

const page = precache.createHandlerBoundToURL('/index.html')

/** The page of the build before, where a person went back to it. */
const pageBefore = async (): Promise<Response | undefined> => {
  const builds = await readBuilds()
  return builds?.isBack === true && builds.before !== undefined ? caches.match(builds.before) : undefined
}

// Every place of the app is the same page. What the hub answers by itself goes to the hub: introductions, and paths with an ending, such as downloads.
registerRoute(
  new NavigationRoute(
    (options) => {
      options.event.waitUntil(forgetOldFiles(options.event, options.event.resultingClientId))
      return pageBefore().then((before) => before ?? page(options))
    },
    { denylist: [/^\/introduce/, /^[^?]*\/[^/?]+\.[^/?]+(\?|$)/] },
  ),
)

registerRoute(new PrecacheRoute(precache))

// Files of a version before, for the tabs that still run it.
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname.startsWith('/assets/'),
  async ({ request }) => (await caches.match(request, { ignoreVary: true })) ?? fetch(request),
)
