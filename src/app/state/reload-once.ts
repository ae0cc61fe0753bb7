/** Beside the page, for as long as its tab lives. */
export const RELOADED_KEY = 'millpond.reloaded'

/** A page that was loaded anew is not loaded anew again by itself for so long: else it could go on for ever. */
const againAfterMs = 600_000

/** What is needed of the page. */
export interface ReloadParts {
  readonly kept: Pick<Storage, 'getItem' | 'setItem'>
  readonly nowMs: () => number
  /** A page that nobody sees is not loaded anew: it may only sleep. */
  readonly isVisible: () => boolean
  readonly reload: () => void
}

/** Loads the page anew, unless it has done so in the last ten minutes, or cannot note it. @returns whether it does */
export const reloadOnce = ({ kept, nowMs, isVisible, reload }: ReloadParts): boolean => {
  if (!isVisible()) return false
  try {
    const before = Number(kept.getItem(RELOADED_KEY) ?? Number.NEGATIVE_INFINITY)
    // A clock that was set back counts as no time.
    if (!(Math.abs(nowMs() - before) >= againAfterMs)) return false
    kept.setItem(RELOADED_KEY, String(nowMs()))
    if (kept.getItem(RELOADED_KEY) === null) return false
  } catch (error) {
    console.error(error)
    return false
  }
  reload()
  return true
}
