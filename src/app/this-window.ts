/** What a window hears of its person and of the network. `changed`: what it shows is other than before. `back`: it may have come back to the hub. `leave`: it goes or is put aside. */
export type WindowSign = 'touched' | 'changed' | 'back' | 'leave'

/** This window, as an update needs it. */
export interface ThisWindow {
  readonly monotonicMs: () => number
  readonly after: (delayMs: number, call: () => void) => void
  readonly visible: () => boolean
  /** A sheet is open, a field has text, or a part of the screen says so by `data-unfinished`. */
  readonly unfinished: () => boolean
  readonly listen: (heard: (sign: WindowSign) => void) => void
  readonly reload: () => void
}

const TOUCHES = ['pointerdown', 'keydown', 'input', 'wheel'] as const

export const thisWindow = (): ThisWindow => ({
  monotonicMs: () => performance.now(),
  after: (delayMs, call) => void setTimeout(call, delayMs),
  visible: () => document.visibilityState === 'visible',
  unfinished: () => isUnfinished(document),
  listen: (heard) => {
    for (const touch of TOUCHES) addEventListener(touch, () => heard('touched'), { capture: true, passive: true })
    // A sheet that was asked for by a touch may come later: it is a part that is loaded when it is needed.
    new MutationObserver(() => heard('changed')).observe(document, { subtree: true, childList: true, attributeFilter: ['data-unfinished'] })
    for (const back of ['online', 'pageshow']) addEventListener(back, () => heard('back'))
    addEventListener('pagehide', () => heard('leave'))
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') heard('back')
    })
  },
  reload: () => location.reload(),
})

/** Whether a person would lose something that is on the page and nowhere else. */
export const isUnfinished = (page: ParentNode): boolean =>
  page.querySelector('[role="dialog"], [data-unfinished]') !== null ||
  [...page.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>('input:not([readonly], [type="file"]), textarea:not([readonly])')].some(({ value }) => value !== '')
