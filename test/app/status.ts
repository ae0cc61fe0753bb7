import { parseNodeId, type NodeId, type NodeStatus, type OffsetMap, type PeerStatus } from '../../src/index.ts'
import { streamIdOf } from '../../src/core/ids.ts'

export const nodeIdOf = (letter: string): NodeId => {
  const id = parseNodeId(`${letter.repeat(42)}A`)
  if (id === undefined) throw new Error(`no node id of ${letter}`)
  return id
}

/** Offsets by letter of the node: `{ A: 4 }` is the stream of node A up to offset 4. */
export const offsets = (lasts: Readonly<Record<string, number>>): OffsetMap =>
  Object.fromEntries(Object.entries(lasts).map(([letter, last]) => [streamIdOf(nodeIdOf(letter), 0), last]))

export const peerStatus = (letter: string, change: Partial<PeerStatus> = {}): PeerStatus => ({
  nodeId: nodeIdOf(letter), name: `${letter}1 Station ${letter}`, state: 'connected', sinceMicros: 0, roundTripMs: 9, holds: {}, heardMicros: 1, clockSkewMs: 0, hops: 1, standbys: 0, ...change,
})

export const nodeStatus = (change: Partial<NodeStatus> = {}): NodeStatus => ({
  nodeId: nodeIdOf('A'), name: 'A1 Station A', startedMicros: 0, leader: true, own: {}, present: {}, peers: [], hubs: [], unreached: [], online: true, cutOffSinceMicros: undefined, returnAllowed: true,
  storage: { usedBytes: 1e6, quotaBytes: 1e9, persistent: true }, storeFailure: undefined, forks: [], notices: [], ...change,
})
