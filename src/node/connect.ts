import type { Envelope } from '../protocol/message.ts'
import type { MeshRoad } from '../net/signaling.ts'
import * as codes from '../protocol/pairing.ts'
import type { ConnectParts } from './connections.ts'
import { loadFormers } from './formers.ts'
import { createPeers, type Peers } from './peers.ts'
import { createReplication, type Replication } from './replication.ts'
import { createStandbyRecords } from './standby-records.ts'
import { createStandbys } from './standbys.ts'

const holdStandbys: ConnectParts['holdStandbys'] = (devices, options, events, running) => {
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
const connect: ConnectParts['connect'] = async ({ network, ...devices }, options, events, standbys) => {
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

/** Replication, the supervisor of connections and the standbys, made from the parts of this folder. */
export const connectParts: ConnectParts = { holdStandbys, connect, codes }
