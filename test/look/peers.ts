import { parseNodeId, type Mark, type SwarmId, type NodeId, type NodeStatus, type OffsetMap, type PeerStatus } from '../../src/index.ts'
import { streamIdOf } from '../../src/core/ids.ts'

const id = (letter: string): NodeId => {
  const nodeId = parseNodeId(letter.repeat(42) + 'A')
  if (nodeId === undefined) throw new Error(`not a node id: ${letter}`)
  return nodeId
}

const NAMES = [['B', 'TM6 Turning & Milling 6'], ['C', 'RG3 Round Grinding 3'], ['D', 'LP1 Lapping 1'], ['E', 'LM7 Laser Marking 7'], ['F', 'QC1 Final Inspection'], ['G', 'PK1 Packing']] as const

const lasts: OffsetMap = Object.fromEntries(NAMES.map(([letter], at) => [streamIdOf(id(letter), 0), 120 + at * 37]))

const peer = (letter: string, name: string, real: NodeStatus, change: Partial<PeerStatus>): PeerStatus => ({
  nodeId: id(letter), name, state: 'connected', sinceMicros: minutesAgo(64), roundTripMs: 9, holds: { ...lasts, ...real.own }, heardMicros: minutesAgo(0), clockSkewMs: 400, hops: 1, standbys: 4, ...change,
})

export const minutesAgo = (minutes: number): number => (Date.now() - minutes * 60_000) * 1000

const lowered = (offsets: OffsetMap, by: number): OffsetMap => Object.fromEntries(Object.entries(offsets).map(([stream, last], at) => [stream, last - ((at + 1) % 3) * by]))

/** Six other tablets: five in reach, one of them behind, one not heard for a quarter of an hour. */
export const amongSix = (real: NodeStatus): NodeStatus => ({
  ...real,
  present: { ...lasts, ...real.own },
  storage: { usedBytes: 184e6, quotaBytes: 5.2e9, persistent: true },
  hubs: [{ url: 'https://10.77.0.254:8443', state: 'ready', sinceMicros: minutesAgo(64) }],
  peers: NAMES.map(([letter, name], at) => {
    if (letter === 'D') return peer(letter, name, real, { roundTripMs: 31, holds: lowered({ ...lasts, ...real.own }, 38) })
    if (letter === 'E') return peer(letter, name, real, { state: 'gone', sinceMicros: minutesAgo(14), heardMicros: minutesAgo(14), roundTripMs: undefined, holds: lowered({ ...lasts, ...real.own }, 9) })
    return peer(letter, name, real, { roundTripMs: 8 + at * 3, clockSkewMs: at * 700 - 1500 })
  }),
})

/** The same with more entries of the first other tablet. */
export const withMore = (status: NodeStatus, more: number): NodeStatus => {
  const stream = streamIdOf(id('B'), 0)
  return { ...status, present: { ...status.present, [stream]: (status.present[stream] ?? -1) + more } }
}

export const cutOff = (real: NodeStatus): NodeStatus => {
  const before = amongSix(real)
  const last = Object.fromEntries(Object.entries(real.own).map(([stream, offset]) => [stream, offset - 3]))
  return {
    ...before, cutOffSinceMicros: minutesAgo(11), hubs: before.hubs.map((hub) => ({ ...hub, state: 'unreachable', sinceMicros: minutesAgo(12) })),
    peers: before.peers.map((each) => ({ ...each, state: 'gone', sinceMicros: minutesAgo(11), heardMicros: minutesAgo(11), roundTripMs: undefined, clockSkewMs: undefined, holds: { ...each.holds, ...last } })),
  }
}

/** One of them is at the hub and kept apart, and there is one that was never met. */
export const keptApart = (real: NodeStatus): NodeStatus => ({
  ...amongSix(real),
  unreached: [{ nodeId: id('E'), code: 'REACH-ISOLATED', sinceMicros: minutesAgo(13) }, { nodeId: undefined, code: 'REACH-NAMES', sinceMicros: minutesAgo(2) }],
})

export const nearlyFull = (real: NodeStatus): NodeStatus => ({ ...amongSix(real), storage: { usedBytes: 1.82e9, quotaBytes: 2e9, persistent: false } })

export const clockOff = (real: NodeStatus): NodeStatus => {
  const status = amongSix(real)
  return { ...status, peers: status.peers.map((each) => ({ ...each, clockSkewMs: 14 * 60_000 })) }
}

export const withNotices = (real: NodeStatus): NodeStatus => ({
  ...amongSix(real),
  returnAllowed: false,
  notices: [
    { code: 'RETURN-REFUSED', atMicros: minutesAgo(64), about: undefined, text: 'this browser does not let a page make the connections of an earlier one again' },
    { code: 'SESSION-ENDED', atMicros: minutesAgo(30), about: undefined, text: 'proof: not of this swarm' },
    { code: 'STANDBY-FAILED', atMicros: minutesAgo(13), about: id('D'), text: 'a connection held back did not open: timeout', times: 2 },
    { code: 'STANDBY-USED', atMicros: minutesAgo(12), about: id('D'), text: 'connected by a standby that was held back, in 41 ms' },
    { code: 'IDENTITY-CHANGED', atMicros: minutesAgo(8), about: undefined, text: 'sealed evidence of own events not held' },
    { code: 'SEGMENT-REFUSED', atMicros: minutesAgo(6), about: streamIdOf(id('C'), 0), text: 'a sealed piece is not valid', times: 3 },
    { code: 'STREAM-NEWER', atMicros: minutesAgo(5), about: streamIdOf(id('F'), 0), text: 'made by a newer version of the program; not stored here' },
    { code: 'STREAM-CUT', atMicros: minutesAgo(4), about: streamIdOf(id('E'), 0), text: 'nobody in reach holds what lies between offset 40 and 96, where it starts now; it stands still here' },
  ],
})

/** Two tablets ran from the same data in several places, one of them in five. */
export const withHistories = (real: NodeStatus): NodeStatus => ({
  ...amongSix(real),
  forks: [
    { stream: streamIdOf(id('D'), 0), nodeId: id('D'), end: 93, sinceMicros: minutesAgo(40), foundMicros: minutesAgo(3), entries: [141, 12, 9, 4], displaced: 1 },
    { stream: streamIdOf(id('C'), 0), nodeId: id('C'), end: 31, sinceMicros: minutesAgo(26 * 60), foundMicros: minutesAgo(25 * 60), entries: [1240, 58], displaced: 0 },
  ],
  notices: [
    { code: 'STREAM-FORKED', atMicros: minutesAgo(25 * 60), about: streamIdOf(id('C'), 0), text: 'it ends at offset 31, where versions of it differ' },
    { code: 'BRANCH-DISPLACED', atMicros: minutesAgo(3), about: streamIdOf(id('D'), 0), text: 'a branch gives way to one with a smaller name and is set aside: 4 of one fork are kept' },
  ],
})

/** What was noted of a tablet that the browser has cleared. */
export const cleared = (swarm: SwarmId): Mark => ({
  swarm, nodeId: id('A'), next: 412, name: 'TM4 Turning & Milling - Machine 4', others: NAMES.slice(0, 3).map(([, name]) => name), own: 412, onlyHere: 3, atMicros: minutesAgo(190),
})
