/// <reference types="trusted-types" />

import { Workbox } from 'workbox-window'

const SCRIPT = '/sw.js'

/**
 * Why a version is not here: the first one could not be kept at all; a newer one could not be fetched whole, or there was no room for it: the next check tries again.
 * Or one is here that does not start, and a person took the one before.
 */
export type KeepFault = 'APP-NOT-KEPT' | 'UPDATE-CUT' | 'UPDATE-ROOM' | 'UPDATE-CRASHED'

export interface KeepHeard {
  /** A newer version of the app is stored here, whole, and waits. */
  readonly ready: () => void
  /** A newer version was taken, here or in another window: this page is of the version before. */
  readonly taken: () => void
  readonly failed: (fault: KeepFault) => void
}

/** The app as it is kept on this tablet. */
export interface KeptApp {
  /** Asks the hub for a newer version. A hub that is off is no failure. */
  readonly check: () => void
  /** The version that waits takes over, in all windows of this profile at once. */
  readonly take: () => void
}

/** Keeps the app on this tablet. Does nothing where the browser has no service workers or the page is not served securely. */
export const keepApp = (heard: KeepHeard): KeptApp => ('serviceWorker' in navigator ? new Keeper(heard) : { check: () => undefined, take: () => undefined })

class Keeper implements KeptApp {
  readonly #heard: KeepHeard
  readonly #workbox = new Workbox(scriptUrl())
  readonly #registered: Promise<ServiceWorkerRegistration | undefined>
  #fault: KeepFault | undefined

  constructor(heard: KeepHeard) {
    this.#heard = heard
    const workers = navigator.serviceWorker
    // The first worker of a profile takes over a page of its own version: that is no update.
    let isFirst = workers.controller === null
    this.#workbox.addEventListener('controlling', () => {
      if (!isFirst) heard.taken()
      isFirst = false
    })
    this.#workbox.addEventListener('waiting', this.#waits)
    // A worker says why before the browser says that it failed, or just after.
    workers.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (typeof data !== 'object' || data === null || !('type' in data)) return
      if (data.type === 'INSTALL-FAILED' && 'room' in data) this.#fail(data.room === true ? 'UPDATE-ROOM' : 'UPDATE-CUT')
      if (data.type === 'RUNS-BEFORE') heard.failed('UPDATE-CRASHED')
    })
    this.#registered = this.#register(workers.controller)
  }

  readonly check = (): void => {
    this.#registered.then(() => this.#workbox.update()).catch((error: unknown) => console.debug('no word of a newer version', error))
  }

  readonly take = (): void => this.#workbox.messageSkipWaiting()

  async #register(controller: ServiceWorker | null): Promise<ServiceWorkerRegistration | undefined> {
    try {
      const registration = await this.#workbox.register({ immediate: true })
      if (registration === undefined) return undefined
      // Workbox listens from here on; a version may have been taken before.
      if (controller !== null && navigator.serviceWorker.controller !== controller) this.#heard.taken()
      this.#follow(registration.installing)
      registration.addEventListener('updatefound', () => this.#follow(registration.installing))
      return registration
    } catch (error) {
      console.error(error)
      this.#heard.failed('APP-NOT-KEPT')
      return undefined
    }
  }

  /** The first worker of a profile may be seen on its way from waiting to active. */
  readonly #waits = (): void => {
    this.#registered.then((registration) => {
      if ((registration?.active ?? null) !== null) this.#heard.ready()
    }).catch(reportError)
  }

  /** What Workbox does not tell: a version that did not come whole, and one that another window has found, of which it follows the first alone. */
  #follow(worker: ServiceWorker | null): void {
    this.#fault = undefined
    let isInstalled = false
    worker?.addEventListener('statechange', () => {
      isInstalled ||= worker.state === 'installed'
      if (worker.state === 'installed') this.#waits()
      if (worker.state === 'redundant' && !isInstalled) this.#fail(this.#fault ?? 'UPDATE-CUT')
    })
  }

  #fail(fault: KeepFault): void {
    this.#fault = fault
    this.#registered.then((registration) => this.#heard.failed((registration?.active ?? null) === null ? 'APP-NOT-KEPT' : fault)).catch(reportError)
  }
}

/** The one script address that this app makes; Trusted Types let no other through. */
const scriptUrl = (): string | TrustedScriptURL =>
  window.trustedTypes?.createPolicy('millpond', {
    createScriptURL: (url) => {
      if (url !== SCRIPT) throw new TypeError(`not the service worker: ${url}`)
      return url
    },
  }).createScriptURL(SCRIPT) ?? SCRIPT
