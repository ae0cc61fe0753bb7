/// <reference types="trusted-types" />

declare global {
  interface ServiceWorkerContainer {
    /** The compiler does not know yet that a trusted address may be one of these. */
    register(address: string | TrustedScriptURL): Promise<ServiceWorkerRegistration>
  }
}

const SCRIPT = '/sw.js'

/** Why a version is not here: the first one could not be kept at all; a newer one could not be fetched whole, or there was no room for it. The next check tries again. */
export type KeepFault = 'APP-NOT-KEPT' | 'UPDATE-CUT' | 'UPDATE-ROOM'

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
  readonly #registered: Promise<ServiceWorkerRegistration | undefined>
  #fault: KeepFault | undefined

  constructor(heard: KeepHeard) {
    this.#heard = heard
    const workers = navigator.serviceWorker
    // The first worker of a profile takes over a page of its own version: that is no update.
    let isFirst = workers.controller === null
    workers.addEventListener('controllerchange', () => {
      if (!isFirst) heard.taken()
      isFirst = false
    })
    // A worker says why before the browser says that it failed, or just after.
    workers.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'object' && data !== null && 'type' in data && data.type === 'INSTALL-FAILED' && 'room' in data) this.#fail(data.room === true ? 'UPDATE-ROOM' : 'UPDATE-CUT')
    })
    this.#registered = this.#register()
  }

  readonly check = (): void => {
    this.#registered.then((registration) => registration?.update()).catch((error: unknown) => console.debug('no word of a newer version', error))
  }

  readonly take = (): void => {
    this.#registered.then((registration) => registration?.waiting?.postMessage({ type: 'SKIP_WAITING' })).catch(reportError)
  }

  async #register(): Promise<ServiceWorkerRegistration | undefined> {
    try {
      const registration = await navigator.serviceWorker.register(scriptUrl())
      this.#follow(registration.installing)
      if (registration.waiting !== null && registration.active !== null) this.#heard.ready()
      registration.addEventListener('updatefound', () => this.#follow(registration.installing))
      return registration
    } catch (error) {
      console.error(error)
      this.#heard.failed('APP-NOT-KEPT')
      return undefined
    }
  }

  #follow(worker: ServiceWorker | null): void {
    this.#fault = undefined
    let isInstalled = false
    worker?.addEventListener('statechange', () => {
      isInstalled ||= worker.state === 'installed'
      if (worker.state === 'installed' && navigator.serviceWorker.controller !== null) this.#heard.ready()
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
