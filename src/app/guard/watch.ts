/** What of the page shows whether the app starts. */
export interface GuardedPage {
  readonly after: (delayMs: number, call: () => void) => void
  /** Whether nothing of the app stands on the page. */
  readonly isEmpty: () => boolean
  readonly show: (said: string) => void
  readonly hide: () => void
}

export interface StartWatch {
  /** An error was thrown, or a part of the app did not come. */
  readonly failed: (said: string) => void
  /** The first screen stands. */
  readonly started: () => void
}

/** A page that is still empty then will stay so. */
export const EMPTY_MS = 20_000
/** So long after an error an empty page is given up. */
export const FAILED_MS = 1_000
/** So long after an error an app that has begun may take to show its first screen all the same. */
export const STALLED_MS = 10_000

/** Decides whether the app does not start: after an error, or by itself when nothing comes. Who starts late after all takes its page back. */
export const watchStart = ({ after, isEmpty, show, hide }: GuardedPage): StartWatch => {
  let state: 'waiting' | 'shown' | 'started' = 'waiting'
  let first: string | undefined
  const giveUp = (): void => {
    if (state !== 'waiting') return
    state = 'shown'
    show(first ?? '')
  }
  after(EMPTY_MS, () => {
    if (isEmpty()) giveUp()
  })
  return {
    failed: (said) => {
      if (first !== undefined) return
      first = said
      after(FAILED_MS, () => {
        if (isEmpty()) giveUp()
      })
      after(STALLED_MS, giveUp)
    },
    started: () => {
      if (state === 'shown') hide()
      state = 'started'
    },
  }
}
