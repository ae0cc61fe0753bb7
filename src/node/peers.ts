import type { NodeId } from '../core/ids.ts'
import type { Connector, Transport } from '../net/transport.ts'
import type { Signaling, SignalingState } from '../net/signaling.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'
import type { Environment } from './environment.ts'
import type { Notice } from './node.ts'
import type { SessionPeer } from './replication.ts'

export interface PeersDevices {
  readonly connector: Connector
  readonly signalings: readonly (readonly [url: string, Signaling])[]
  readonly crypto: NodeCrypto
  readonly environment: Environment
}

export interface PeersOptions {
  readonly swarm: Swarm
  readonly nodeId: NodeId
  readonly introductionId: Uint8Array
}

export interface PeersEvents {
  /** A connection has opened; it is not yet authenticated. */
  readonly opened: (transport: Transport) => void
  /** End the session of this transport: it is a duplicate, silent or replaced. */
  readonly end: (transport: Transport, reason: string) => void
  readonly peerState: (nodeId: NodeId, state: 'connecting' | 'connected' | 'suspect' | 'asleep' | 'gone') => void
  readonly hubState: (url: string, state: SignalingState) => void
  readonly notice: (notice: Notice) => void
}

/** Whom to connect with, over which signaling, who dials, who closes: the supervisor of connections. */
export interface Peers {
  readonly connected: (peer: SessionPeer) => void
  /** Its state may have changed: heard, page hidden. */
  readonly changed: (peer: SessionPeer) => void
  readonly disconnected: (transport: Transport, nodeId: NodeId | undefined, reason: string) => void
  /** The network or the page may be back: check at once. */
  readonly wake: () => void
  readonly close: () => Promise<void>
}
