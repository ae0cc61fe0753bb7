import type { Environment } from '../node/environment.ts'

/** Waits while the page is frozen or in the back/forward cache: a transaction begun there gets no callback and would block every tab of the profile. */
export interface Awake {
  /** Resolves at once when the page is awake. */
  readonly wait: () => Promise<void>
  readonly close: () => void
}

export const createAwake = (environment: Pick<Environment, 'page'>): Awake => {
  const waiting: (() => void)[] = []
  const stop = environment.page.listen(() => {
    if (environment.page.state() === 'frozen') return
    for (const go of waiting.splice(0)) go()
  })
  return {
    wait: async () => {
      while (environment.page.state() === 'frozen') await new Promise<void>((go) => waiting.push(go))
    },
    close: stop,
  }
}
