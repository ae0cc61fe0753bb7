import type { Lamport, NodeId, StreamId } from '../core/ids.ts'
import type { OffsetMap } from '../core/offset-map.ts'
import type { Transport } from '../net/transport.ts'
import type { EventStore, Identity } from '../store/event-store.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'
import type { Environment } from './environment.ts'
import type { Notice } from './node.ts'

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
  readonly about: () => { readonly name: string; readonly software: string; readonly hubs: readonly string[] }
  /** Whether an introduction id is that of an open page of this profile. */
  readonly isOwnPage: (introductionId: Uint8Array) => Promise<boolean>
}

/** What replication tells the node. Calls are in order; none may throw. */
export interface ReplicationEvents {
  /** Replicated events are on disk: these streams have grown (or were lowered). */
  readonly stored: (streams: readonly StreamId[]) => void
  /** Both proofs held. From here to `disconnected` the peer is connected over this transport. */
  readonly connected: (peer: SessionPeer) => void
  readonly peerChanged: (peer: SessionPeer) => void
  readonly disconnected: (transport: Transport, nodeId: NodeId | undefined, reason: string) => void
  /** A sealed header of the own key that is not held on disk, or a twin: the node must take a new identity now. Sessions have ended. */
  readonly identityLost: (reason: 'restored' | 'twin') => void
  readonly notice: (notice: Notice) => void
  readonly layerMessage: (channel: string, peer: NodeId, bytes: Uint8Array) => boolean
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

/** Runs one session for each connection, and the plan over all of them; performs their effects. */
export interface Replication {
  /** Takes over a connection, authenticated or not: handshake, session, closing. */
  readonly add: (transport: Transport) => void
  /** Own events are durable (from this tab or another): push them. */
  readonly published: (stream: StreamId) => void
  /** Heads of any stream may have changed on disk without this replication (another tab, a restored image): compare. */
  readonly refresh: () => Promise<void>
  /** Ends the session of a transport with `bye` and closes it. */
  readonly end: (transport: Transport, reason: string) => void
  readonly sendLayer: (channel: string, peer: NodeId, bytes: Uint8Array) => boolean
  /** Says `bye` to all and closes their transports. Resolves when no effect is under way. */
  readonly close: (reason: string) => Promise<void>
}

export type { Lamport }
