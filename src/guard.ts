import { showCrash, type CrashWays, type Saved } from './app/guard/crash-screen.ts'
import { watchStart } from './app/guard/watch.ts'
import { applyChoices, readChoices } from './app/state/choices.ts'

// Stands in the page before the app, as a script of its own: what is wrong with the app, or keeps it from being loaded at all, does not harm it.

/** A worker or a hub that says nothing is not waited for any longer. */
const patienceMs = 10_000

const script = document.currentScript
/** The part that reads this tablet's entries without the app; the build says where it is. */
const rescueUrl = (script instanceof HTMLScriptElement ? script.dataset['rescue'] : undefined) ?? ''
const workers = (navigator as { readonly serviceWorker?: ServiceWorkerContainer }).serviceWorker

/** Ends after a while, with `late`, whatever happens. */
const within = <T>(work: Promise<T>, late: T): Promise<T> =>
  Promise.race([work, new Promise<T>((resolve) => setTimeout(resolve, patienceMs, late))])

/** Asks the service worker. `false` too where there is none. */
const askWorker = (type: 'HAS-BEFORE' | 'GO-BACK' | 'GO-ON'): Promise<boolean> => {
  const controller = workers?.controller
  if (controller === null || controller === undefined) return Promise.resolve(false)
  const answer = new Promise<boolean>((resolve) => {
    const channel = new MessageChannel()
    channel.port1.onmessage = ({ data }: MessageEvent<unknown>) => resolve(data === true)
    controller.postMessage({ type }, [channel.port2])
  })
  return within(answer, false)
}

/** A version newer than this one, which nobody else would take here. */
const takeNewer = async (): Promise<void> => {
  const registration = await workers?.getRegistration()
  await registration?.update()
  const coming = registration?.installing
  if (coming !== undefined && coming !== null) await new Promise<void>((resolve) => coming.addEventListener('statechange', () => resolve()))
  if (registration?.waiting === undefined || registration.waiting === null) return
  const taken = new Promise<void>((resolve) => workers?.addEventListener('controllerchange', () => resolve()))
  registration.waiting.postMessage({ type: 'SKIP_WAITING' })
  await taken
}

const findWays = async (): Promise<CrashWays> => ({
  again: async () => {
    await within(takeNewer().catch((error: unknown) => console.info('no newer version', error)), undefined)
    await askWorker('GO-ON')
    location.reload()
  },
  back: (await askWorker('HAS-BEFORE'))
    ? async () => {
        await askWorker('GO-BACK')
        location.reload()
      }
    : undefined,
  save: async (): Promise<Saved> => ((await import(/* @vite-ignore */ rescueUrl)) as { readonly rescue: () => Promise<Saved> }).rescue(),
})

const choices = readChoices(localStorage, navigator.languages)
let isShown = false
let takeAway = (): void => undefined
const app = (): HTMLElement | null => document.getElementById('app')

const watch = watchStart({
  after: (delayMs, call) => void setTimeout(call, delayMs),
  isEmpty: () => app()?.childElementCount === 0,
  show: (said) => {
    isShown = true
    applyChoices(document.documentElement, choices)
    findWays().then((ways) => {
      if (!isShown) return
      app()?.toggleAttribute('hidden', true)
      takeAway = showCrash(document.body, { language: choices.language, said, ways })
    }).catch((error: unknown) => console.error(error))
  },
  hide: () => {
    isShown = false
    takeAway()
    app()?.toggleAttribute('hidden', false)
  },
})

const heardError = (event: Event): void => {
  if (event instanceof ErrorEvent) watch.failed(event.message.slice(0, 200))
  else if (event.target instanceof HTMLScriptElement) watch.failed(new URL(event.target.src).pathname)
}
const heardRejection = ({ reason }: PromiseRejectionEvent): void => watch.failed(String(reason).slice(0, 200))
// Parts that do not come are heard of on their way down alone.
addEventListener('error', heardError, true)
addEventListener('unhandledrejection', heardRejection)
addEventListener('millpond-started', () => {
  removeEventListener('error', heardError, true)
  removeEventListener('unhandledrejection', heardRejection)
  watch.started()
  const started = document.querySelector<HTMLScriptElement>('script[type=module]')?.src
  // The worker keeps the version before until it hears this.
  workers?.ready.then(({ active }) => active?.postMessage({ type: 'STARTED', script: started })).catch((error: unknown) => console.error(error))
})
