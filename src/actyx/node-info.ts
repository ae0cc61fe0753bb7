import type { NodeStatus as Status, PeerStatus } from '../node/node.ts'

/** How well another node is reached. */
export type PeerReach = 'LowLatency' | 'HighLatency' | 'PartiallyWorking' | 'NotWorking'

/** What Actyx's class of that name tells. */
export interface NodeInfo {
  /** The version of the interface, then what offers it. */
  longVersion: () => string
  /** The version of Actyx whose interface this is. */
  semVer: () => string
  isAtLeastVersion: (version: string) => boolean
  uptimeMillis: () => number
  connectedNodes: () => number
  /** By node id: connected with a round trip of up to 300 ms, or slower, or over others · being reached · not reached. */
  peersStatus: () => Record<string, PeerReach> | undefined
}

const version = [2, 18, 0] as const
const lowLatencyMs = 300

export const nodeInfoOf = (status: Status, nowMicros: number): NodeInfo => ({
  longVersion: () => `${version.join('.')}_millpond`,
  semVer: () => version.join('.'),
  isAtLeastVersion: (other) => {
    const parts = other.split('.').map(Number)
    const differing = version.findIndex((part, at) => part !== (parts[at] ?? 0))
    return differing < 0 || (version[differing] ?? 0) > (parts[differing] ?? 0)
  },
  uptimeMillis: () => Math.max(0, Math.round((nowMicros - status.startedMicros) / 1000)),
  connectedNodes: () => status.peers.filter(({ state }) => state === 'connected').length,
  peersStatus: () => Object.fromEntries(status.peers.map((peer) => [peer.nodeId, reachOf(peer)])),
})

const reachOf = ({ state, roundTripMs, hops }: PeerStatus): PeerReach => {
  if (state === 'connected') return roundTripMs === undefined || roundTripMs <= lowLatencyMs ? 'LowLatency' : 'HighLatency'
  if (hops !== undefined) return 'HighLatency'
  return state === 'connecting' || state === 'suspect' ? 'PartiallyWorking' : 'NotWorking'
}
