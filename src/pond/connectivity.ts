import { streamIdToNodeId, type NodeId } from '../core/ids.ts'
import { offsetsOf } from '../core/offset-map.ts'
import type { Where } from '../core/where.ts'
import type { Node, NodeStatus } from '../node/node.ts'
import type { Fish } from './fish.ts'
import type { FishError } from './fish-error.ts'

/** `sinceMicros`: since when it is so, by this node's clock. */
export type Connectivity =
  /** All nodes whose events have matched are in reach, directly or over others. */
  | { readonly state: 'fully'; readonly sinceMicros: number }
  /** Those of them that are not, in the order of their ids. */
  | { readonly state: 'partly'; readonly sinceMicros: number; readonly missing: readonly NodeId[] }
  /** No other node is in reach. */
  | { readonly state: 'not'; readonly sinceMicros: number }

interface Parts {
  readonly node: Node
  readonly observe: <S, E>(fish: Fish<S, E>, callback: (state: S) => void, stoppedByError: (error: FishError) => void) => () => void
  readonly report: (error: unknown) => void
  readonly nowMs: () => number
}

/** Whose events match, in the order in which they came first. */
const sourcesFish = (where: Where): Fish<readonly NodeId[], unknown> => ({
  fishId: { entityType: 'millpond.sources', name: JSON.stringify(where), version: 1 },
  where,
  initialState: [],
  onEvent: (nodes, _, { stream }) => {
    const nodeId = streamIdToNodeId(stream)
    return nodes.includes(nodeId) ? nodes : [...nodes, nodeId]
  },
})

/** Which of the sources are not in reach; `undefined`: no other node is. */
const missingOf = ({ nodeId, own, peers }: NodeStatus, sources: readonly NodeId[]): readonly NodeId[] | undefined => {
  const reached = peers.filter(({ state, hops }) => state === 'connected' || hops !== undefined)
  if (reached.length === 0) return undefined
  const ids = new Set<NodeId>([nodeId, ...offsetsOf(own).map(([stream]) => streamIdToNodeId(stream)), ...reached.map((peer) => peer.nodeId)])
  return sources.filter((source) => !ids.has(source)).sort((a, b) => (a < b ? -1 : 1))
}

/** Calls when it is first known, and with every change. */
export const followConnectivity = ({ node, observe, report, nowMs }: Parts, where: Where, callback: (connectivity: Connectivity) => void): (() => void) => {
  let sources: readonly NodeId[] | undefined
  let told: string | undefined
  const tell = (): void => {
    if (sources === undefined) return
    const status = node.status()
    const missing = missingOf(status, sources)
    const text = JSON.stringify(missing ?? null)
    if (text === told) return
    const sinceMicros = told === undefined && missing === undefined ? (status.cutOffSinceMicros ?? nowMs() * 1000) : nowMs() * 1000
    told = text
    if (missing === undefined) callback({ state: 'not', sinceMicros })
    else callback(missing.length === 0 ? { state: 'fully', sinceMicros } : { state: 'partly', sinceMicros, missing })
  }
  const unobserveStatus = node.observe(tell)
  const unobserve = observe(
    sourcesFish(where),
    (now) => {
      sources = now
      tell()
    },
    report,
  )
  return () => {
    unobserveStatus()
    unobserve()
  }
}
