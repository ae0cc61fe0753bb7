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

interface WorkerScope {
  readonly clients: { readonly claim: () => Promise<void>; readonly matchAll: (options: object) => Promise<readonly { readonly id: string }[]> }
  readonly registration: Pick<ServiceWorkerRegistration, 'installing' | 'waiting'>
  readonly skipWaiting: () => Promise<void>
  readonly addEventListener: {
    (type: 'install' | 'activate', heard: (event: ExtendableEvent) => void): void
    (type: 'message', heard: (event: ExtendableEvent & { readonly data: unknown }) => void): void
  }
}

const worker = self as unknown as WorkerScope
const precache = new PrecacheController()
precache.addToCacheList([...self.__WB_MANIFEST])

worker.addEventListener('install', (event) => event.waitUntil(precache.install(event)))

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
 * Another tab may still run the version before and load a part of it late: its files stay until a page is opened while no other is.
 * A version that waits has its files in the same cache: only the newest worker cleans up.
 */
const forgetOldFiles = async (event: ExtendableEvent): Promise<void> => {
  if (worker.registration.installing !== null || worker.registration.waiting !== null) return
  const pages = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true })
  if (pages.every(({ id }) => id === event.resultingClientId)) await precache.activate(event)
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
