/// <reference types="trusted-types" />
import { Workbox } from 'workbox-window'

const SCRIPT = '/sw.js'
const CHECK_INTERVAL_MS = 3_600_000

export interface UpdateWatcher {
  /** A newer version of the app is stored here. `apply` takes it: the page is loaded anew. Told again when another tab has taken it meanwhile. */
  readonly ready: (apply: () => void) => void
  /** The app cannot be kept on this tablet: it will not start without the hub. */
  readonly failed: (error: Error) => void
}

/**
 * Keeps the app on this tablet, and looks for a newer one now and every hour. A newer one waits until `apply` is called.
 * Does nothing where the browser has no service workers or the page is not served securely.
 */
export const registerUpdates = (watcher: UpdateWatcher): void => {
  if (!('serviceWorker' in navigator)) return
  const workbox = new Workbox(scriptUrl())
  let applying = false
  // The first worker of a profile takes over a page of its own version: that is no update.
  let isControlled = navigator.serviceWorker.controller !== null
  const reload = (): void => location.reload()
  workbox.addEventListener('waiting', () => {
    watcher.ready(() => {
      applying = true
      workbox.messageSkipWaiting()
    })
  })
  workbox.addEventListener('controlling', () => {
    if (applying) reload()
    else if (isControlled) watcher.ready(reload)
    isControlled = true
  })
  void workbox.register().then(
    (registration) => {
      if (registration !== undefined) checkHourly(registration)
    },
    (error: unknown) => watcher.failed(error instanceof Error ? error : new Error(String(error))),
  )
}

/** A hub that is off is no failure: the next hour asks again. */
const checkHourly = (registration: ServiceWorkerRegistration): void => {
  setInterval(() => {
    registration.update().catch((error: unknown) => console.debug('no word of a newer version', error))
  }, CHECK_INTERVAL_MS)
}

/** The one script address that this app makes; Trusted Types let no other through. */
const scriptUrl = (): string | TrustedScriptURL =>
  window.trustedTypes?.createPolicy('millpond', {
    createScriptURL: (url) => {
      if (url !== SCRIPT) throw new TypeError(`not the service worker: ${url}`)
      return url
    },
  }).createScriptURL(SCRIPT) ?? SCRIPT
