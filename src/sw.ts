import type { PrecacheEntry } from 'workbox-precaching'
import { PrecacheController, PrecacheRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'

// The service worker: the app comes from the cache, always, so that it starts with the hub off and no network. It never asks the network first.

declare global {
  /** Filled in by the build: every file of the app. */
  var __WB_MANIFEST: readonly PrecacheEntry[]
  /** The parts of a service worker's scope that are used here; the compiler knows this project as pages. */
  interface ExtendableEvent extends Event {
    readonly waitUntil: (work: Promise<unknown>) => void
    /** Of a navigation: the page that it makes. */
    readonly resultingClientId?: string
  }
}

interface WindowOfApp {
  readonly id: string
  readonly postMessage: (message: unknown) => void
}

interface WorkerScope {
  readonly clients: { readonly claim: () => Promise<void>; readonly matchAll: (options: object) => Promise<readonly WindowOfApp[]> }
  readonly registration: Pick<ServiceWorkerRegistration, 'installing' | 'waiting'>
  readonly skipWaiting: () => Promise<void>
  readonly addEventListener: {
    (type: 'install' | 'activate', heard: (event: ExtendableEvent) => void): void
    (type: 'message', heard: (event: ExtendableEvent & { readonly data: unknown }) => void): void
  }
}

const worker = self as unknown as WorkerScope
// From the hub, never from the browser's own cache: a file that came broken once would else stand in the way of every later version.
const precache = new PrecacheController({ plugins: [{ requestWillFetch: async ({ request }) => new Request(request, { cache: 'reload' }) }] })
precache.addToCacheList([...self.__WB_MANIFEST])

worker.addEventListener('install', (event) => event.waitUntil(install(event)))

// Pages that were opened before the first installation are served too.
worker.addEventListener('activate', (event) => {
  event.waitUntil(Promise.all([worker.clients.claim(), forgetOldFiles(event)]))
})

// An update waits until a person says so.
worker.addEventListener('message', (event) => {
  const { data } = event
  if (typeof data === 'object' && data !== null && 'type' in data && data.type === 'SKIP_WAITING') event.waitUntil(worker.skipWaiting())
})

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
 * Another tab may still run the version before and load a part of it late: its files stay until a page is opened while no other is.
 * A version that waits has its files in the same cache: only the newest worker cleans up.
 */
const forgetOldFiles = async (event: ExtendableEvent): Promise<void> => {
  if (worker.registration.installing !== null || worker.registration.waiting !== null) return
  if ((await pages()).every(({ id }) => id === event.resultingClientId)) await precache.activate(event)
}

const page = precache.createHandlerBoundToURL('/index.html')

// Every place of the app is the same page. What the hub answers by itself goes to the hub: introductions, and paths with an ending, such as downloads.
registerRoute(
  new NavigationRoute(
    (options) => {
      options.event.waitUntil(forgetOldFiles(options.event))
      return page(options)
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
