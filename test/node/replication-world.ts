import type { NodeId, StreamId, SwarmId } from '../../src/core/ids.ts'
import { streamIdOf } from '../../src/core/ids.ts'
import { createMemoryNetwork, type MemoryNetwork } from '../../src/net/memory-transport.ts'
import type { Transport } from '../../src/net/transport.ts'
import type { NodeCrypto, Swarm } from '../../src/node/crypto.ts'
import type { Notice } from '../../src/node/node.ts'
import { createReplication, type Replication } from '../../src/node/replication.ts'
import type { ReplicationEvents, SessionPeer } from '../../src/node/replication-events.ts'
import type { EventStore, Identity } from '../../src/store/event-store.ts'
import { createMemoryDisk, openMemoryStore, type MemoryDisk } from '../../src/store/memory-event-store.ts'
import { encodeBatch, type EncodedBatch } from '../../src/stream/batch.ts'
import { sealBatches } from '../../src/stream/seal.ts'
import { emptyBase } from '../../src/stream/segment.ts'
import { createSeededCrypto, pureCrypto } from '../seeded-crypto.ts'
import { createTestWorld, type TestTab, type TestWorld } from '../environment.ts'

export const swarm: Swarm = { id: '00112233445566778899aabbccddeeff' as SwarmId, key: new Uint8Array(32).fill(7), founder: new Uint8Array(32), random: new Uint8Array(16) }

/** Nodes with real stores, cryptography and replication, on one memory network; without the supervisor of connections. */
export interface ReplicationWorld {
  readonly world: TestWorld
  readonly network: MemoryNetwork
  readonly crypto: NodeCrypto
  readonly node: (name: string, from?: { readonly disk?: MemoryDisk; readonly identity?: Identity }) => Promise<TestNode>
  /** Connects two nodes by a new connection. */
  readonly link: (a: TestNode, b: TestNode) => readonly [Transport, Transport]
  readonly drop: (a: TestNode, b: TestNode) => void
  /** Waits until all hold the same heads. */
  readonly untilEqual: (nodes: readonly TestNode[], withinMs?: number) => Promise<void>
}

export interface TestNode {
  readonly name: string
  readonly nodeId: NodeId
  readonly identity: Identity
  readonly stream: StreamId
  readonly disk: MemoryDisk
  readonly store: EventStore
  readonly replication: Replication
  readonly peers: Map<Transport, SessionPeer>
  readonly ended: { readonly nodeId: NodeId | undefined; readonly reason: string }[]
  readonly notices: Notice[]
  readonly lost: string[]
  readonly layers: { readonly channel: string; readonly peer: NodeId; readonly bytes: Uint8Array }[]
  /** Publishes batches of one event with a payload of about `bytes`. */
  readonly publish: (batches: number, bytes?: number, text?: string) => Promise<void>
  /** Appends to the own stream without a word to the replication. */
  readonly write: (batches: number, bytes?: number, text?: string) => Promise<void>
  readonly heads: () => Promise<Readonly<Record<string, number>>>
  /** What it last heard that the other holds. */
  readonly holdsOf: (other: TestNode) => Readonly<Record<string, number>> | undefined
  /** All lines of a stream, as text. */
  readonly read: (stream: StreamId) => Promise<string>
}

export const createReplicationWorld = (seed = 1): ReplicationWorld => {
  const world = createTestWorld(seed)
  const network = createMemoryNetwork({ timers: world.profile().openTab().environment })
  const crypto = createSeededCrypto(world.random)
  return {
    world,
    network,
    crypto,
    node: async (name, from = {}) => {
      const identity = from.identity ?? (await crypto.generateIdentity())
      const disk = from.disk ?? createMemoryDisk()
      const store = openMemoryStore(disk, swarm.id)
      await store.createIdentity(identity)
      return startNode({ world, crypto, name, identity, disk, store })
    },
    link: (a, b) => {
      const [near, far] = network.connectPair(a.name, b.name)
      a.replication.add(near)
      b.replication.add(far)
      return [near, far]
    },
    drop: (a, b) => network.drop(a.name, b.name),
    untilEqual: async (nodes, withinMs) => {
      const equal = async () => new Set(await Promise.all(nodes.map(async (node) => JSON.stringify(await node.heads())))).size === 1
      await world.until(equal, withinMs)
    },
  }
}

interface NodeParts {
  readonly world: TestWorld
  readonly crypto: NodeCrypto
  readonly name: string
  readonly identity: Identity
  readonly disk: MemoryDisk
  readonly store: EventStore
}

const startNode = ({ world, crypto, name, identity, disk, store }: NodeParts): TestNode => {
  const tab: TestTab = world.profile().openTab()
  const peers = new Map<Transport, SessionPeer>()
  const ended: { nodeId: NodeId | undefined; reason: string }[] = []
  const notices: Notice[] = []
  const lost: string[] = []
  const layers: { channel: string; peer: NodeId; bytes: Uint8Array }[] = []
  const introductionId = world.random.bytes(16)
  const events: ReplicationEvents = {
    stored: () => undefined,
    connected: (peer) => void peers.set(peer.transport, peer),
    peerChanged: (peer) => void peers.set(peer.transport, peer),
    disconnected: (transport, nodeId, reason) => {
      peers.delete(transport)
      ended.push({ nodeId, reason })
    },
    renounced: () => undefined,
    identityLost: (reason) => void lost.push(reason),
    notice: (notice) => void notices.push(notice),
    layerMessage: (channel, peer, bytes) => channel === 'open' && layers.push({ channel, peer, bytes }) > 0,
  }
  const devices = { store, crypto, environment: tab.environment }
  const about = () => ({ name, software: 'test', hubs: [] })
  const replication = createReplication(devices, { swarm, identity, introductionId, about, isOwnPage: (id) => Promise.resolve(id.every((byte, at) => byte === introductionId[at])) }, events)
  const stream = streamIdOf(identity.nodeId, 0)
  const write = (batches: number, bytes = 60, text = name) => append(store, identity, { batches, bytes, text })
  return {
    name, nodeId: identity.nodeId, identity, stream, disk, store, replication, peers, ended, notices, lost, layers, write,
    publish: async (batches, bytes, text) => {
      await write(batches, bytes, text)
      replication.published(stream)
    },
    heads: async () => Object.fromEntries([...(await store.heads())].map(([id, head]) => [id, head.next] as const).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    holdsOf: (other) => [...peers.values()].find((peer) => peer.nodeId === other.nodeId)?.holds,
    read: (id) => readStream(store, id),
  }
}

/** Appends batches of one event each to the stream of `identity`, as its publisher does. */
export const append = async (store: EventStore, identity: Identity, { batches, bytes, text }: { readonly batches: number; readonly bytes: number; readonly text: string }): Promise<void> => {
  const stream = streamIdOf(identity.nodeId, 0)
  const base = (await store.state(stream)) ?? emptyBase(stream)
  const lamport = Math.max(base.head.lamport, await store.clock()) + 1
  const lines: EncodedBatch[] = Array.from({ length: batches }, (_, at) => {
    const batch = encodeBatch([{ tags: [`by:${text}`], event: `${text} ${at} `.padEnd(bytes, '.') }], lamport + at, { timestampMicros: 1, appId: 'test' })
    if (!batch.ok) throw new Error(batch.error.text)
    return batch.value
  })
  const sealing = { crypto: pureCrypto, signer: pureCrypto.signer(identity), swarm: swarm.id }
  const result = await store.appendOwn(await sealBatches(sealing, base, lines), lamport, false)
  if (result.type !== 'stored') throw new Error(result.type)
}

/** From its fork on, a branch. */
const readStream = async (store: EventStore, stream: StreamId): Promise<string> => {
  const { next, start } = (await store.heads()).get(stream) ?? { next: 0, start: 0 }
  let text = ''
  for (let at = start; at < next; ) {
    const piece = await store.piece(stream, at)
    if (piece === undefined) return text
    const view = new DataView(piece.sealed.header.buffer, piece.sealed.header.byteOffset)
    const body = piece.type === 'open' ? piece.body : await pureCrypto.inflate(piece.deflated, view.getUint32(98))
    const lines = new TextDecoder().decode(body).split('\n').slice(0, -1)
    // One event in each line.
    text += lines.slice(at - piece.first).map((line) => `${line}\n`).join('')
    at = piece.first + view.getUint32(78)
  }
  return text
}
