import type { NodeId } from '../core/ids.ts'

/** `full`: everyone with everyone. `sparse`: neighbours on the ring of node ids, and a few others. @see PROTOCOL.md [R70] */
export type Shape = 'full' | 'sparse'

/** A full mesh is left when there are so many nodes, this one included … */
const FULL_LEFT_AT = 10
/** … and taken up again at so few. Between the two it stays as it is, or a node that comes and goes would change it each time. */
const FULL_AGAIN_AT = 7
/** On each side of the ring: the mesh then holds together when any three nodes fail at once. */
const RING_REACH = 2
/** Connections that a node in a sparse mesh looks for. */
export const CONNECTIONS_AIM = 6
/** Connections that it takes; neighbours on the ring come in above it, and others go for them. */
export const CONNECTIONS_MAX = 8

/** @param nodeCount nodes heard of recently, this one included */
export const shapeOf = (before: Shape, nodeCount: number): Shape =>
  before === 'full' ? (nodeCount >= FULL_LEFT_AT ? 'sparse' : 'full') : nodeCount <= FULL_AGAIN_AT ? 'full' : 'sparse'

export interface TopologyView {
  readonly self: NodeId
  readonly shape: Shape
  /** Other nodes heard of recently, in any order. */
  readonly known: ReadonlySet<NodeId>
  /** Those that this node is connected with, or about to be. */
  readonly connected: ReadonlySet<NodeId>
}

/** The neighbours on the ring: the next two ids on either side, all where there are no more than four others. */
export const ringOf = ({ self, known }: Pick<TopologyView, 'self' | 'known'>): ReadonlySet<NodeId> => {
  const others = [...known].filter((nodeId) => nodeId !== self).sort(byId)
  const at = others.findIndex((nodeId) => nodeId > self)
  const from = at < 0 ? others.length : at
  const around = [...others.slice(from), ...others.slice(0, from)]
  return new Set([...around.slice(0, RING_REACH), ...around.slice(-RING_REACH)])
}

/**
 * Whom to be connected with: in a sparse mesh the ring and what there is besides, filled up to six by those whose ids fit this one best.
 * What is connected may be in it or not; `excessOf` says what has to go.
 *
 * @param mayTry those that may be tried now: who cannot be reached is passed over
 */
export const wantedBy = (view: TopologyView, mayTry: (nodeId: NodeId) => boolean = () => true): ReadonlySet<NodeId> => {
  const { self, shape, known, connected } = view
  if (shape === 'full') return new Set([...known].filter((nodeId) => nodeId !== self))
  const ring = ringOf(view)
  const besides = [...connected].filter((nodeId) => !ring.has(nodeId))
  const lacking = CONNECTIONS_AIM - ring.size - besides.length
  const more = lacking <= 0 ? [] : byRank(self, [...known].filter((nodeId) => nodeId !== self && !ring.has(nodeId) && !connected.has(nodeId) && mayTry(nodeId))).slice(0, lacking)
  return new Set([...ring, ...besides, ...more])
}

/** Whether a connection that the other one wants is taken: there is room, or it is a neighbour on the ring. */
export const isWelcome = (view: TopologyView, nodeId: NodeId): boolean =>
  view.shape === 'full' || view.connected.has(nodeId) || view.connected.size < CONNECTIONS_MAX || ringOf({ self: view.self, known: new Set(view.known).add(nodeId) }).has(nodeId)

/** What has to go where there are more than a sparse mesh has, worst fit first: never a neighbour on the ring. Down to the aim, so that others find room. */
export const excessOf = (view: TopologyView): readonly NodeId[] => {
  if (view.shape === 'full' || view.connected.size <= CONNECTIONS_MAX) return []
  const count = view.connected.size - CONNECTIONS_AIM
  const ring = ringOf(view)
  return byRank(view.self, [...view.connected].filter((nodeId) => !ring.has(nodeId))).toReversed().slice(0, count)
}

/** Best fit first. Both ends of a pair see the same rank, so they tend to choose each other; who comes or goes changes nobody else's. */
const byRank = (self: NodeId, nodeIds: readonly NodeId[]): readonly NodeId[] =>
  nodeIds.map((nodeId) => [rankOf(self, nodeId), nodeId] as const).sort(([a, x], [b, y]) => a - b || byId(x, y)).map(([, nodeId]) => nodeId)

/** FNV-1a over both ids, the smaller first: as good as chance, and needs none. */
const rankOf = (a: NodeId, b: NodeId): number => {
  let hash = 0x811c_9dc5
  for (const character of a < b ? `${a}${b}` : `${b}${a}`) hash = Math.imul(hash ^ character.charCodeAt(0), 0x0100_0193)
  // The last letters alone would decide on the highest bits.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}

const byId = (a: NodeId, b: NodeId): number => (a < b ? -1 : a > b ? 1 : 0)
