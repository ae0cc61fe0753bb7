import { lastOf, merge, offsetsOf, type OffsetMap } from '../core/offset-map.ts'
import type { Node, NodeStatus } from '../node/node.ts'
import type { Clock } from './runs.ts'

/** How many events of each stream others are known to hold that are not in `present`. */
export const missingIn = (present: OffsetMap, { peers }: Pick<NodeStatus, 'peers'>): Record<string, number> =>
  Object.fromEntries(
    offsetsOf(peers.map(({ holds }) => holds).reduce(merge, {}))
      .filter(([stream, last]) => last > lastOf(present, stream))
      .map(([stream, last]) => [stream, last - lastOf(present, stream)]),
  )

const waitMsMax = 30_000

/** Until a node is connected and nothing is known to be missing, or this one has run for 30 s. */
export const waitUntilReplicated = (node: Node, { after, nowMicros }: Clock, over: Promise<void>): Promise<void> =>
  new Promise((resolve) => {
    const isThere = (status: NodeStatus) => status.peers.some(({ state, heardMicros }) => state === 'connected' && heardMicros !== undefined) && Object.keys(missingIn(status.present, status)).length === 0
    const { startedMicros } = node.status()
    const end = () => {
      stop()
      cancel()
      resolve()
    }
    const stop = node.observe((status) => {
      if (isThere(status)) end()
    })
    const cancel = after(Math.max(0, waitMsMax - (nowMicros() - startedMicros) / 1000), end)
    over.then(end, end)
    if (isThere(node.status())) end()
  })
