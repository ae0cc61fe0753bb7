import { openNode, type Node, type Pairing } from '../../../src/index.ts'

let node: Node | undefined
let pairing: Pairing | undefined

/** The node that `open` has opened here. */
export const floorNode = (): Node => {
  if (node === undefined) throw new Error('no node is open')
  return node
}

/** Opens this page's node: the one of its profile, or a new one by an invitation. */
export const open = async (invitation?: string): Promise<string> => {
  node = await openNode(invitation === undefined ? { name: 'Bench' } : { invitation, name: 'Bench' })
  return node.nodeId
}

export const invite = (): Promise<string> => floorNode().invite()

export const offer = (): Promise<string> => (pairing = floorNode().pair()).offer()
export const answer = (text: string): Promise<string> => (pairing = floorNode().pair()).answer(text)
export const accept = (text: string): void => pairing?.accept(text)

/** Resolves when the pairing under way has made a connection. */
export const paired = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const look = (): void => {
      const state = pairing?.state()
      if (state?.type === 'failed') reject(new Error(`${state.code}: ${state.detail}`))
      else if (state?.type === 'connected') resolve()
      else setTimeout(look, 5)
    }
    look()
  })

/** Events that this node holds. */
export const heldEvents = (): number => Object.values(floorNode().status().present).reduce((sum, last) => sum + last + 1, 0)

/** Resolves when this node holds so many events. @returns milliseconds from when a peer is connected, and the longest task of the page's thread meanwhile */
export const caughtUp = (events: number): Promise<{ readonly ms: number; readonly longestTaskMs: number }> =>
  new Promise((resolve) => {
    let longestTaskMs = 0
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => (longestTaskMs = Math.max(longestTaskMs, duration))))
    observer.observe({ type: 'longtask' })
    let begun: number | undefined
    const stop = setInterval(() => {
      const held = heldEvents()
      if (floorNode().status().peers.some(({ state }) => state === 'connected')) begun ??= performance.now()
      if (held < events) return
      clearInterval(stop)
      observer.disconnect()
      resolve({ ms: performance.now() - (begun ?? 0), longestTaskMs })
    }, 5)
  })

/** Milliseconds from opening by an invitation until the first publish is durable. */
export const joinAndPublish = async (invitation: string): Promise<number> => {
  const begun = performance.now()
  await open(invitation)
  await floorNode().publish([{ tags: [], event: 'here' }])
  return performance.now() - begun
}

export const close = async (): Promise<void> => {
  await node?.close()
  node = undefined
}
