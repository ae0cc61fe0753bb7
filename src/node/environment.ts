/** Everything of the platform that is neither disk nor network: time, chance, locks, other tabs, the page's life. Injected, so that a test owns it. */
export interface Environment {
  /** Wall time in microseconds, for people. */
  readonly nowMicros: () => number
  /** Time that only rises, in milliseconds, for timeouts and intervals. */
  readonly monotonicMs: () => number
  /** Calls once, after at least `delayMs`. @returns a function that cancels it */
  readonly after: (delayMs: number, call: () => void) => () => void
  readonly randomBytes: (count: number) => Uint8Array
  readonly locks: Locks
  readonly channel: (name: string) => TabChannel
  readonly page: Page
}

/** Web Locks, as far as they are used. */
export interface Locks {
  /**
   * Waits for the exclusive lock and holds it until `release`. `steal` takes it at once from whoever has it.
   * `lost` is called when another tab stole it. Rejects with `AbortError` when `signal` aborts before it was granted.
   */
  readonly hold: (name: string, options: { readonly steal?: boolean; readonly signal?: AbortSignal; readonly lost: () => void }) => Promise<HeldLock>
}

export interface HeldLock {
  /** May be called twice, and after the lock was lost. */
  readonly release: () => void
}

/** A `BroadcastChannel`: hints to the other tabs of this profile. */
export interface TabChannel {
  /** Any structured-clonable value. Reaches every other channel object of that name, not this one. */
  readonly post: (message: unknown) => void
  readonly listen: (heard: (message: unknown) => void) => () => void
  readonly close: () => void
}

export type PageState = 'visible' | 'hidden' | 'frozen'

/** `online`, `visible`, `resume`, `return` (`pageshow` of a kept page): the network or the page may be back. `leave`: `pagehide`. */
export type PageChange = 'visible' | 'hidden' | 'freeze' | 'resume' | 'online' | 'offline' | 'leave' | 'return'

export interface Page {
  /** `frozen` also between `leave` and `return`. */
  readonly state: () => PageState
  readonly listen: (heard: (change: PageChange) => void) => () => void
  /** What `navigator.onLine` says: `false` is certain, `true` is not. */
  readonly online: () => boolean
}

/** Calls again and again. @returns a function that stops it */
export const every = (after: Environment['after'], intervalMs: number, call: () => void): (() => void) => {
  let cancel = () => {}
  const next = () => {
    cancel = after(intervalMs, () => {
      next()
      call()
    })
  }
  next()
  return () => cancel()
}
