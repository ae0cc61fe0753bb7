import type { Environment, HeldLock, Locks, Page, PageChange, PageState, TabChannel } from './environment.ts'

/** The environment of a browser window. */
export const createBrowserEnvironment = (): Environment => {
  const page = createPage()
  // It never changes, and asking for it costs ten times a look at the clock.
  const originMs = performance.timeOrigin
  return {
    nowMicros: () => Math.round((originMs + performance.now()) * 1000),
    monotonicMs: () => performance.now(),
    after: (delayMs, call) => {
      const timer = setTimeout(call, delayMs)
      return () => clearTimeout(timer)
    },
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    locks: browserLocks,
    channel: (name) => openChannel(name, page),
    page,
  }
}

const browserLocks: Locks = {
  hold: (name, { steal = false, signal, lost }) =>
    new Promise<HeldLock>((granted, refused) => {
      let holding = false
      let released = false
      const options: LockOptions = steal ? { steal } : signal === undefined ? {} : { signal }
      const held = async () => {
        await new Promise<void>((done) => {
          holding = true
          granted({
            release: () => {
              released = true
              done()
            },
          })
        })
      }
      // The promise of `request` rejects with AbortError both when the signal aborts and when the lock is stolen.
      navigator.locks.request(name, options, held).catch((error: unknown) => {
        if (!holding) refused(error instanceof Error ? error : new Error(String(error)))
        else if (!released) lost()
      })
    }),
}

/** Closed while the page is in the back/forward cache: a message that comes for it there throws it out. What it then misses it finds on disk. */
const openChannel = (name: string, page: Page): TabChannel => {
  const listeners = new Set<(message: unknown) => void>()
  let channel: BroadcastChannel | undefined
  const open = () => {
    channel = new BroadcastChannel(name)
    channel.addEventListener('message', ({ data }) => {
      for (const heard of listeners) heard(data)
    })
  }
  const close = () => {
    channel?.close()
    channel = undefined
  }
  open()
  const stop = page.listen((change) => {
    if (change === 'leave') close()
    if (change === 'return') open()
  })
  return {
    post: (message) => channel?.postMessage(message),
    listen: (heard) => {
      listeners.add(heard)
      return () => listeners.delete(heard)
    },
    close: () => {
      stop()
      close()
    },
  }
}

const createPage = (): Page => {
  let asleep = false
  const listeners = new Set<(change: PageChange) => void>()
  const tell = (change: PageChange, sleeping?: boolean) => () => {
    if (sleeping !== undefined) asleep = sleeping
    for (const heard of listeners) heard(change)
  }
  addEventListener('online', tell('online'))
  addEventListener('offline', tell('offline'))
  addEventListener('pagehide', tell('leave', true))
  addEventListener('pageshow', (event) => {
    if (event.persisted) tell('return', false)()
  })
  document.addEventListener('visibilitychange', () => tell(visibility())())
  // Chromium only; elsewhere a sleeping page tells by `pagehide` or not at all.
  document.addEventListener('freeze', tell('freeze', true))
  document.addEventListener('resume', tell('resume', false))
  return {
    state: (): PageState => (asleep ? 'frozen' : visibility()),
    listen: (heard) => {
      listeners.add(heard)
      return () => listeners.delete(heard)
    },
    online: () => navigator.onLine,
  }
}

const visibility = () => (document.visibilityState === 'hidden' ? 'hidden' : 'visible')
