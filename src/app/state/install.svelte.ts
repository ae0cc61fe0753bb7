/** The question of Chromium browsers whether to install, held back until a person touches a key. */
interface InstallQuestion extends Event {
  readonly prompt: () => Promise<unknown>
}

const isInstallQuestion = (event: Event): event is InstallQuestion => 'prompt' in event && typeof event.prompt === 'function'

/** How this tablet gets the app onto its home screen: by a key here, or by a way that a short guide tells. */
export class Install {
  #question = $state.raw<InstallQuestion>()
  #installed = $state(false)
  readonly #isApple: boolean

  /** @param installed called when a person has put the app on the home screen */
  constructor(page: Window, installed: () => void = () => undefined) {
    const { navigator } = page
    this.#installed = page.matchMedia('(display-mode: standalone)').matches || ('standalone' in navigator && navigator.standalone === true)
    // iPadOS says it is a Macintosh, but no Macintosh has a touch screen.
    this.#isApple = /iPad|iPhone/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1)
    page.addEventListener('beforeinstallprompt', (event) => {
      event.preventDefault()
      if (isInstallQuestion(event)) this.#question = event
    })
    page.addEventListener('appinstalled', () => {
      this.#installed = true
      installed()
    })
  }

  get way(): 'installed' | 'key' | 'apple' | 'menu' {
    if (this.#installed) return 'installed'
    if (this.#question !== undefined) return 'key'
    return this.#isApple ? 'apple' : 'menu'
  }

  readonly ask = (): void => {
    this.#question?.prompt().catch(reportError)
    this.#question = undefined
  }
}
