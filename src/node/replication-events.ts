import type { NodeId, Offset, StreamId } from '../core/ids.ts'
import type { OffsetMap } from '../core/offset-map.ts'
import type { Transport } from '../net/transport.ts'
import type { Envelope, Former, Standby } from '../protocol/message.ts'
import type { EventStore, Identity } from '../store/event-store.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'
import type { Environment } from './environment.ts'
import type { IdentityLoss } from './identity.ts'
import type { Notice } from './node.ts'
import type { ReplicationRoom } from './replication-take.ts'

export interface ReplicationDevices {
  readonly store: EventStore
  readonly crypto: NodeCrypto
  readonly environment: Environment
}

export interface ReplicationOptions {
  readonly swarm: Swarm
  readonly identity: Identity
  /** 16 random bytes of this page load; the nonce of `hello` begins with it. */
  readonly introductionId: Uint8Array
  /** What this node takes beyond the basis of version 1, `relay` and `members`, told in `hello`. @see PROTOCOL.md [R13] */
  readonly features?: readonly string[]
  readonly about: () => { readonly name: string; readonly software: string; readonly hubs: readonly string[] }
  /** Former ids of this node, told in `hello`. */
  readonly formers?: readonly Former[]
  /** Whether an introduction id is that of an open page of this profile. */
  readonly isOwnPage: (introductionId: Uint8Array) => Promise<boolean>
  /** Whether a person may look at this node: told to peers, and otherwise it may sleep. Absent: as long as this page is visible. */
  readonly isSeen?: () => boolean
  /** Absent: what the disk holds is the only bound for events of others. */
  readonly room?: ReplicationRoom
}

/** What replication tells the node. Calls are in order; none may throw. */
export interface ReplicationEvents {
  /** Replicated events are on disk. @param next where the stream ends now, if that is sure and it has only grown; else it is to be looked at */
  readonly stored: (stream: StreamId, next: Offset | undefined) => void
  /** Both proofs held. From here to `disconnected` the peer is connected over this transport. */
  readonly connected: (peer: SessionPeer) => void
  readonly peerChanged: (peer: SessionPeer) => void
  readonly disconnected: (transport: Transport, nodeId: NodeId | undefined, reason: string) => void
  /** This peer goes on under a new identity, or went on under it while it was away: what it said that it holds counts under that one alone. Called before `disconnected`. */
  readonly renounced: (nodeId: NodeId) => void
  /** A sealed header of the own key that is not held on disk, a twin, or an own piece that cannot be read: the node must take a new identity now. Sessions have ended. */
  readonly identityLost: (reason: IdentityLoss) => void
  readonly notice: (notice: Notice) => void
  readonly layerMessage: (channel: string, peer: NodeId, bytes: Uint8Array) => boolean
  /** An envelope for this node came over others; its signature holds. */
  readonly relayed?: (envelope: Envelope) => void
  /** Other nodes or their connections are known otherwise than before: ask `nodes`. */
  readonly meshChanged?: () => void
  /** A step of a standby; comes only where the feature is announced. */
  readonly standby?: (peer: NodeId, message: Standby) => void
}

/** A connected, authenticated peer. */
export interface SessionPeer {
  readonly transport: Transport
  readonly nodeId: NodeId
  /** Introduction id of the page at the other end, from its `hello`. */
  readonly introductionId: Uint8Array
  readonly name: string
  readonly hubs: readonly string[]
  readonly page: 'visible' | 'hidden'
  readonly roundTripMs: number | undefined
  readonly clockSkewMs: number | undefined
  /** What it said in `have` during this session, as highest offsets; `undefined` before its first. */
  readonly holds: OffsetMap | undefined
  readonly saidMicros: number | undefined
  readonly lastHeardMs: number
}
