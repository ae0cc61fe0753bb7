import { openNode, type Node, type Pairing } from '../../../src/index.ts'

let node: Node | undefined
let pairing: Pairing | undefined

const opened = (): Node => {
  if (node === undefined) throw new Error('no node is open')
  return node
}

/** Opens this page's node: the one of its profile, or a new one by an invitation. */
export const open = async (invitation?: string): Promise<string> => {
  node = await openNode(invitation === undefined ? { name: 'Bench' } : { invitation, name: 'Bench' })
  return node.nodeId
}

export const invite = (): Promise<string> => opened().invite()

export const offer = (): Promise<string> => (pairing = opened().pair()).offer()
export const answer = (text: string): Promise<string> => (pairing = opened().pair()).answer(text)
export const accept = (text: string): void => pairing?.accept(text)

/** Resolves when this node holds so many events. @returns milliseconds from the first one on, and the longest task of the page's thread meanwhile */
export const caughtUp = (events: number): Promise<{ readonly ms: number; readonly longestTaskMs: number }> =>
  new Promise((resolve) => {
    let longestTaskMs = 0
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => (longestTaskMs = Math.max(longestTaskMs, duration))))
    observer.observe({ type: 'longtask' })
    let begun: number | undefined
    const stop = setInterval(() => {
      const held = Object.values(opened().status().present).reduce((sum, last) => sum + last + 1, 0)
      if (held > 0) begun ??= performance.now()
      if (held < events) return
      clearInterval(stop)
      observer.disconnect()
      resolve({ ms: performance.now() - (begun ?? 0), longestTaskMs })
    }, 5)
  })
