import type { NodeId } from '../core/ids.ts'
import type { PairingConnector } from '../net/pairing.ts'
import type { Connector } from '../net/transport.ts'
import type { MeshRoad, Signaling } from '../net/signaling.ts'
import type { EventStore, Identity } from '../store/event-store.ts'
import type { Envelope } from '../protocol/message.ts'
import type { NodeCrypto, Swarm } from './crypto.ts'
import type { Environment } from './environment.ts'
import { loadFormers } from './formers.ts'
import type { IdentityLoss } from './identity.ts'
import type { Notice } from './node.ts'
import { createPeers, type Peers, type PeersEvents } from './peers.ts'
import { createStandbyRecords } from './standby-records.ts'
import { createStandbys, type Standbys } from './standbys.ts'
import type { MeshNode } from './replication-mesh.ts'
import { createReplication, type Replication } from './replication.ts'
import type { ReplicationEvents, ReplicationOptions } from './replication-events.ts'

/** How nodes are reached. */
export interface Network {
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

export interface ConnectionsDevices {
  readonly store: EventStore
  readonly crypto: NodeCrypto
  readonly environment: Environment
  readonly network: Network
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
}

interface Running {
  readonly replication: Replication
  readonly peers: Peers
}

export const createConnections = (devices: ConnectionsDevices, options: ConnectionsOptions, events: ConnectionsEvents): Connections => {
  let running: Running | undefined
  /** They outlive the sessions: a node that begins new ones comes back by them. */
  let standbys: Standbys | undefined
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
        standbys ??= holdStandbys(devices, options, events, () => running)
        running ??= await connect(devices, options, events, standbys)
      }),
    stop: (reason) => inTurn(() => stop(reason)),
    wake: () => {
      running?.peers.wake()
      standbys?.wake()
    },
    running: () => running,
  }
}

const holdStandbys = (devices: ConnectionsDevices, options: ConnectionsOptions, events: ConnectionsEvents, running: () => Running | undefined): Standbys | undefined => {
  const { network, store, environment } = devices
  const connector = network.connector.standbys
  const standbys = connector && createStandbys({
    connector, environment, records: createStandbyRecords(store), supervise: options.supervise,
    nodeId: () => options.identity().nodeId,
    lacks: (peer) => running()?.peers.lacks(peer) ?? false,
    mayBegin: (peer, spare) => running()?.peers.mayBegin(peer, spare) ?? false,
    takes: (peer) => running()?.replication.takesStandbys(peer) ?? false,
    send: (peer, message) => running()?.replication.sendStandby(peer, message) ?? false,
    opened: (peer, transport) => {
      const parts = running()
      if (parts === undefined) transport.close('closed')
      else parts.peers.adopt(peer, transport)
    },
    count: events.standbys,
    returnAllowed: events.returnAllowed,
    notice: (code, about, text) => events.notice({ code, about, text, atMicros: environment.nowMicros() }),
  })
  if (standbys !== undefined) options.supervise('coming back by standbys', standbys.begin())
  return standbys
}

/** Each of the parts tells the others; none knows more of them than that. */
const connect = async ({ network, ...devices }: ConnectionsDevices, options: ConnectionsOptions, events: ConnectionsEvents, standbys: Standbys | undefined): Promise<Running> => {
  const identity = options.identity()
  const { swarm, introductionId } = options
  const formers = await loadFormers(devices.store)
  const key = await devices.crypto.derive(swarm.key, swarm.id, 'intro')
  const mesh = createRoad()
  const replication: Replication = createReplication(devices, { ...options, identity, formers, features: standbys === undefined ? [] : ['standby'] }, {
    ...events,
    connected: (peer) => {
      events.connected(peer)
      peers.connected(peer)
      standbys?.connected(peer)
    },
    peerChanged: (peer) => {
      events.peerChanged(peer)
      peers.changed(peer)
    },
    disconnected: (transport, nodeId, reason) => {
      events.disconnected(transport, nodeId, reason)
      peers.disconnected(transport, nodeId, reason)
      standbys?.disconnected(transport, nodeId, reason)
    },
    standby: (nodeId, message) => standbys?.heard(nodeId, message),
    relayed: mesh.heard,
    meshChanged: () => {
      mesh.changed()
      events.nodes(replication.nodes())
    },
    identityLost: (reason) => events.identityLost(identity.nodeId, reason),
  })
  const signalings = network.signalings({ swarm, introductionId, hubs: options.about().hubs, key, nodeId: identity.nodeId, road: mesh.road(replication) })
  const peers: Peers = createPeers({ ...devices, connector: network.connector, signalings }, { swarm, nodeId: identity.nodeId, signer: devices.crypto.signer(identity), introductionId, known: replication.known }, {
    ...events,
    hubState: (url, state) => {
      events.hubState(url, state)
      if (state.type === 'ready') standbys?.wake()
    },
    opened: (transport) => replication.add(transport),
    end: (transport, reason) => replication.end(transport, reason),
  })
  return { replication, peers }
}

/** The mesh as a road: what replication hears goes to who listens, once somebody does. */
const createRoad = () => {
  let handlers: Parameters<MeshRoad['listen']>[0] | undefined
  return {
    heard: (envelope: Envelope) => handlers?.heard(envelope),
    changed: () => handlers?.changed(),
    road: (replication: Replication): MeshRoad => ({
      reachable: () => replication.nodes().flatMap(({ nodeId, hops }) => (hops !== undefined && hops > 1 ? [nodeId] : [])),
      say: replication.relay,
      listen: (heard) => (handlers = heard),
    }),
  }
}
