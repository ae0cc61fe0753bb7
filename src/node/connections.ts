import type { NodeId } from '../core/ids.ts'
import type { PairingConnector } from '../net/pairing.ts'
import type { Connector } from '../net/transport.ts'
import type { Signaling } from '../net/signaling.ts'
import type { EventStore, Identity } from '../store/event-store.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'
import type { Environment } from './environment.ts'
import type { Notice } from './node.ts'
import { createPeers, type Peers, type PeersEvents } from './peers.ts'
import { createReplication, type Replication, type ReplicationEvents, type ReplicationOptions } from './replication.ts'

/** How nodes are reached. */
export interface Network {
  readonly connector: Connector
  /** Absent: no pairing by code. */
  readonly pairing?: PairingConnector
  /** Ways to meet others, by the URL to show. */
  readonly signalings: (page: MeetingPage) => readonly (readonly [string, Signaling])[]
}

/** What a page meets others with. */
export interface MeetingPage {
  readonly swarm: Swarm
  readonly introductionId: Uint8Array
  readonly hubs: readonly string[]
  /** HKDF label `intro`. */
  readonly key: Uint8Array
}

export interface ConnectionsDevices {
  readonly store: EventStore
  readonly crypto: NodeCrypto
  readonly environment: Environment
  readonly network: Network
}

export interface ConnectionsOptions extends Pick<ReplicationOptions, 'swarm' | 'introductionId' | 'about' | 'isOwnPage' | 'room'> {
  /** The present one, looked up with every start. */
  readonly identity: () => Identity
}

export interface ConnectionsEvents extends Pick<ReplicationEvents, 'stored' | 'connected' | 'peerChanged' | 'renounced' | 'layerMessage' | 'disconnected'>, Pick<PeersEvents, 'peerState' | 'hubState'> {
  readonly notice: (notice: Notice) => void
  readonly identityLost: (shown: NodeId, reason: 'restored' | 'twin') => void
}

/** Replication and the supervisor of connections, together: both run while this tab leads, and begin anew under a new identity. */
export interface Connections {
  readonly start: () => Promise<void>
  /** Says `bye` to all. */
  readonly stop: (reason: string) => Promise<void>
  /** The parts that run; `undefined` when stopped. */
  readonly running: () => { readonly replication: Replication; readonly peers: Peers } | undefined
}

export const createConnections = (devices: ConnectionsDevices, options: ConnectionsOptions, events: ConnectionsEvents): Connections => {
  let running: { readonly replication: Replication; readonly peers: Peers } | undefined
  let queue: Promise<void> = Promise.resolve()
  const inTurn = (step: () => Promise<void>) => {
    const done = queue.then(step)
    queue = done.then(
      () => undefined,
      () => undefined,
    )
    return done
  }
  const stop = async (reason: string) => {
    const parts = running
    running = undefined
    // Peers first, or it would replace what replication ends; both begin in this turn, for the page may be leaving.
    await Promise.all([parts?.peers.close(), parts?.replication.close(reason)])
  }
  return {
    start: () => inTurn(async () => void (running ??= await connect(devices, options, events))),
    stop: (reason) => inTurn(() => stop(reason)),
    running: () => running,
  }
}

/** Each of the two tells the other; neither knows more of it than that. */
const connect = async ({ network, ...devices }: ConnectionsDevices, options: ConnectionsOptions, events: ConnectionsEvents) => {
  const identity = options.identity()
  const { swarm, introductionId } = options
  const key = await devices.crypto.derive(swarm.key, swarm.id, 'intro')
  const replication: Replication = createReplication(devices, { ...options, identity }, {
    ...events,
    connected: (peer) => {
      events.connected(peer)
      peers.connected(peer)
    },
    peerChanged: (peer) => {
      events.peerChanged(peer)
      peers.changed(peer)
    },
    disconnected: (transport, nodeId, reason) => {
      events.disconnected(transport, nodeId, reason)
      peers.disconnected(transport, nodeId, reason)
    },
    identityLost: (reason) => events.identityLost(identity.nodeId, reason),
  })
  const signalings = network.signalings({ swarm, introductionId, hubs: options.about().hubs, key })
  const peers: Peers = createPeers({ ...devices, connector: network.connector, signalings }, { swarm, nodeId: identity.nodeId, signer: devices.crypto.signer(identity), introductionId }, {
    ...events,
    opened: (transport) => replication.add(transport),
    end: (transport, reason) => replication.end(transport, reason),
  })
  return { replication, peers }
}
