import type { NodeId } from '../core/ids.ts'
import type { PairingConnector } from '../net/pairing.ts'
import type { Connector } from '../net/transport.ts'
import type { MeshRoad, Signaling } from '../net/signaling.ts'
import type { EventStore, Identity } from '../store/event-store.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'
import type { Environment } from './environment.ts'
import type { IdentityLoss } from './identity.ts'
import type { Notice } from './node.ts'
import type { PairingTools } from './pairing.ts'
import type { Peers, PeersEvents } from './peers.ts'
import type { Standbys } from './standbys.ts'
import type { MeshNode } from './replication-mesh.ts'
import type { Replication } from './replication.ts'
import type { ReplicationEvents, ReplicationOptions } from './replication-events.ts'

/** How nodes are reached. */
export interface Network {
  /** What runs while this tab leads: it comes with the network, for a node opens, reads and publishes without it. */
  readonly parts: ConnectParts
  readonly connector: Connector
  /** Absent: no pairing by code. */
  readonly pairing?: PairingConnector
  /** Ways to meet others, by the URL to show; `undefined`: nothing is shown of it. */
  readonly signalings: (page: MeetingPage) => readonly (readonly [string | undefined, Signaling])[]
}

/** What a page meets others with. */
export interface MeetingPage {
  readonly swarm: Swarm
  readonly introductionId: Uint8Array
  readonly hubs: readonly string[]
  /** HKDF label `intro`. */
  readonly key: Uint8Array
  readonly nodeId: NodeId
  readonly road: MeshRoad
}

/** At hand, or loaded when this tab leads for the first time. */
export type NetworkSource = Network | (() => Promise<Network>)

export interface ConnectionsDevices {
  readonly store: EventStore
  readonly crypto: NodeCrypto
  readonly environment: Environment
  readonly network: NetworkSource
}

/** The same with the network at hand. */
export interface OpenDevices extends ConnectionsDevices {
  readonly network: Network
}

/** Makes what runs; `connect.ts` is the one implementation. */
export interface ConnectParts {
  readonly codes: PairingTools['codes']
  readonly holdStandbys: (devices: OpenDevices, options: ConnectionsOptions, events: ConnectionsEvents, running: () => Running | undefined) => Standbys | undefined
  readonly connect: (devices: OpenDevices, options: ConnectionsOptions, events: ConnectionsEvents, standbys: Standbys | undefined) => Promise<Running>
}

export interface ConnectionsOptions extends Pick<ReplicationOptions, 'swarm' | 'introductionId' | 'about' | 'isOwnPage' | 'isSeen' | 'room'> {
  /** The present one, looked up with every start. */
  readonly identity: () => Identity
  /** Takes care of the errors of what nobody awaits. */
  readonly supervise: (doing: string, work: Promise<unknown>) => void
}

export interface ConnectionsEvents extends Pick<ReplicationEvents, 'stored' | 'connected' | 'peerChanged' | 'renounced' | 'layerMessage' | 'disconnected'>, Pick<PeersEvents, 'peerState' | 'hubState' | 'unreached'> {
  readonly notice: (notice: Notice) => void
  /** Other nodes heard of recently, connected or not. */
  readonly nodes: (nodes: readonly MeshNode[]) => void
  /** So many connections are held back with this node. */
  readonly standbys: (nodeId: NodeId, standbys: number) => void
  /** Whether this browser lets a page come back by the standbys of an earlier one. */
  readonly returnAllowed: (allowed: boolean) => void
  readonly identityLost: (shown: NodeId, reason: IdentityLoss) => void
}

/** Replication and the supervisor of connections, together: both run while this tab leads, and begin anew under a new identity. */
export interface Connections {
  readonly start: () => Promise<void>
  /** Says `bye` to all. */
  readonly stop: (reason: string) => Promise<void>
  /** The network or the page may be back: check at once. */
  readonly wake: () => void
  /** The parts that run; `undefined` when stopped. */
  readonly running: () => Running | undefined
  readonly network: () => Network | Promise<Network>
}

export interface Running {
  readonly replication: Replication
  readonly peers: Peers
}

export const createConnections = (devices: ConnectionsDevices, options: ConnectionsOptions, events: ConnectionsEvents): Connections => {
  let running: Running | undefined
  /** They outlive the sessions: a node that begins new ones comes back by them. */
  let standbys: Standbys | undefined
  let queue: Promise<void> = Promise.resolve()
  const network = () => (typeof devices.network === 'function' ? devices.network() : devices.network)
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
    if (reason === 'closed') {
      standbys?.close()
      standbys = undefined
    }
    // Peers first, or it would replace what replication ends; both begin in this turn, for the page may be leaving.
    await Promise.all([parts?.peers.close(), parts?.replication.close(reason)])
  }
  return {
    start: () =>
      inTurn(async () => {
        const loading = network()
        const open = { ...devices, network: loading instanceof Promise ? await loading : loading }
        const { holdStandbys, connect } = open.network.parts
        standbys ??= holdStandbys(open, options, events, () => running)
        running ??= await connect(open, options, events, standbys)
      }),
    stop: (reason) => inTurn(() => stop(reason)),
    wake: () => {
      running?.peers.wake()
      standbys?.wake()
    },
    running: () => running,
    network,
  }
}
