import type { Page } from 'playwright-core'

declare global {
  /** What a tablet showed of another one, and since when. */
  var seenStates: { readonly states: string[]; changedMs: number } | undefined
}

/** From now on `page` notes each state in which it shows another tablet. One that is being connected with anew, and is not there, is as gone. */
export const watchStates = (page: Page, nodeId: string): Promise<void> =>
  page.evaluate((id) => {
    const seen = { states: [] as string[], changedMs: performance.now() }
    const node = globalThis.millpond
    const look = () => {
      const state = node?.status().peers.find((peer) => peer.nodeId === id)?.state ?? 'unknown'
      const shown = state === 'connecting' ? 'gone' : state
      if (shown === seen.states.at(-1)) return
      seen.states.push(shown)
      seen.changedMs = performance.now()
    }
    look()
    node?.observe(look)
    globalThis.seenStates = seen
  }, nodeId)

/** Oldest first; the first is the one when watching began. */
export const statesOf = (page: Page): Promise<readonly string[]> => page.evaluate(() => [...(globalThis.seenStates?.states ?? [])])

/** Resolves when the other tablet is shown in this state. */
export const shown = async (page: Page, state: string): Promise<void> => {
  await page.waitForFunction((wanted) => globalThis.seenStates?.states.at(-1) === wanted, state, { polling: 50 })
}

/** Resolves when what is shown has not changed for so long. */
export const unchangedFor = async (page: Page, ms: number): Promise<void> => {
  await page.waitForFunction((long) => performance.now() - (globalThis.seenStates?.changedMs ?? Infinity) > long, ms, { polling: 200, timeout: ms + 60_000 })
}
