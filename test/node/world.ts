import { createMemoryHub, type MemoryHub } from '../../src/net/memory-signaling.ts'
import { memoryForm } from '../../src/net/memory-pairing.ts'
import { createRelaySignaling } from '../../src/net/relay-signaling.ts'
import { createMemoryNetwork, type MemoryNetwork } from '../../src/net/memory-transport.ts'
import { createPairingConnector } from '../../src/net/pairing.ts'
import type { Connector, StandbyHandlers, Transport } from '../../src/net/transport.ts'
import { connectParts } from '../../src/node/connect.ts'
import type { Network } from '../../src/node/connections.ts'
import { createNode } from '../../src/node/create-node.ts'
import type { NodeDevices, NodeOptions } from '../../src/node/devices.ts'
import type { NodeCrypto, Swarm } from '../../src/node/crypto.ts'
import type { Event, TaggedEvent } from '../../src/core/event.ts'
import type { EventKey } from '../../src/core/event-key.ts'
import type { Environment } from '../../src/node/environment.ts'
import type { Node, Query, TravelReason } from '../../src/node/node.ts'
import { openReopeningStore } from '../../src/node/reopening-store.ts'
import { createMemoryDisk, openMemoryStore, type MemoryDisk } from '../../src/store/memory-event-store.ts'
import type { EventStore } from '../../src/store/event-store.ts'
import { tableNames } from '../../src/store/tables.ts'
import { swarmIdOf } from '../../src/stream/swarm.ts'
import { createSeededCrypto } from '../seeded-crypto.ts'
import { presentParts } from './present-parts.ts'
import { createTestWorld, type TestProfile, type TestTab, type TestWorld } from '../environment.ts'

/** A swarm, and profiles with nodes in it, on one network with a hub. */
export interface NodeWorld {
  readonly world: TestWorld
  readonly network: MemoryNetwork
  readonly hub: MemoryHub
  readonly crypto: NodeCrypto
  readonly swarm: Swarm
  readonly tablet: () => Tablet
}

/** A profile with its disk: tabs are opened on it. Its endpoint in the network is its name. */
export interface Tablet {
  readonly name: string
  readonly disk: MemoryDisk
  readonly profile: TestProfile
  readonly open: (options?: Partial<NodeOptions>, devices?: Partial<NodeDevices>) => Promise<{ readonly node: Node; readonly tab: TestTab; readonly store: EventStore }>
}

/** @param sent hears every message that leaves a tablet, by the tablet's name, before it leaves @param refusesReturn whether that tablet's browser does */
export const createNodeWorld = async (seed = 1, sent: (name: string, message: Uint8Array) => void = () => undefined, refusesReturn: (name: string) => boolean = () => false): Promise<NodeWorld> => {
  const world = createTestWorld(seed)
  const crypto = createSeededCrypto(world.random)
  const founder = world.random.bytes(32)
  const random = world.random.bytes(16)
  const swarm: Swarm = { id: await swarmIdOf(crypto, founder, random), key: world.random.bytes(32), founder, random }
  const chance = { nowMicros: () => (1_800_000_000_000 + world.nowMs()) * 1000, after: world.after, randomBytes: world.random.bytes }
  const network = createMemoryNetwork({ timers: chance })
  const hub = createMemoryHub(network, chance)
  const networkAt = (name: string, timers: Environment): Network => ({
    parts: connectParts,
    connector: overheard(network.connector(name, { refusesReturn: refusesReturn(name) }), (message) => sent(name, message)),
    pairing: createPairingConnector({ begin: network.connector(name).begin, form: memoryForm, timers }),
    signalings: ({ introductionId, key, nodeId, road }) => {
      const tagOf = (id: Uint8Array) => crypto.hmac(key, id)
      return [['memory:hub', hub.signaling({ name, swarm: swarm.id, introductionId, tagOf, timers })], [undefined, createRelaySignaling({ nodeId, road, timers })]]
    },
  })
  let count = 0
  return {
    world,
    network,
    hub,
    crypto,
    swarm,
    tablet: () => {
      const name = `Tablet ${++count}`
      const disk = createMemoryDisk()
      const profile = world.profile()
      return {
        name,
        disk,
        profile,
        open: async (options, devices) => {
          const tab = profile.openTab()
          const store = devices?.store ?? (await openReopeningStore(async () => openMemoryStore(disk, swarm.id), tab.environment))
          const { environment } = tab
          const node = await createNode({ crypto, environment, parts: presentParts, network: networkAt(name, environment), ...devices, store }, { swarm, name, ...options })
          await world.settle()
          return { node, tab, store }
        },
      }
    },
  }
}

const overheard = ({ begin, standbys }: Connector, sent: (message: Uint8Array) => void): Connector => {
  const hear = <T extends StandbyHandlers>(handlers: T): T => ({
    ...handlers,
    opened: (transport: Transport) => {
      const send = transport.send.bind(transport)
      const tell = (message: Uint8Array) => {
        sent(message)
        send(message)
      }
      handlers.opened(Object.assign(transport, { send: tell }))
    },
  })
  return {
    begin: (dialled, handlers) => begin(dialled, hear(handlers)),
    ...(standbys && {
      standbys: {
        ...standbys,
        listen: (offer, handlers) => standbys.listen(offer, hear(handlers)),
        call: async (keys) => {
          const call = await standbys.call(keys)
          const apply = call.apply.bind(call)
          return Object.assign(call, { apply: (answer: Uint8Array, handlers: StandbyHandlers) => apply(answer, hear(handlers)) })
        },
      },
    }),
  }
}

export const tagged = (event: TaggedEvent['event'], ...tags: string[]): TaggedEvent => ({ tags, event })

export const readAll = async (node: Node, query: Query = {}, order: 'ascending' | 'descending' = 'ascending'): Promise<readonly Event[]> => {
  const events: Event[] = []
  for await (const event of node.query(query, order)) events.push(event)
  return events
}

export const payloads = (events: readonly Event[]) => events.map(({ payload }) => payload)

/** Payloads as texts, sorted: where their order is not the point. */
export const sortedTexts = (events: readonly Event[]) => events.map(({ payload }) => (typeof payload === 'string' ? payload : JSON.stringify(payload))).sort((a, b) => (a < b ? -1 : 1))

/** What a subscriber was told. */
export const follow = (node: Node, query: Query = {}) => {
  const given: Event[] = []
  const travels: EventKey[] = []
  const reasons: TravelReason[] = []
  const errors: Error[] = []
  const seen = { caughtUp: 0 }
  const stop = node.subscribe(query, {
    events: (chunk, caughtUp) => {
      given.push(...chunk)
      if (caughtUp) seen.caughtUp++
    },
    timeTravel: (earliest, reason) => {
      travels.push(earliest)
      reasons.push(reason)
      given.length = 0
    },
    failed: (error) => errors.push(error),
  })
  return { given, travels, reasons, errors, seen, stop }
}

/** An image of a disk, as when a tablet is restored from a backup. */
export const copyDisk = async (disk: MemoryDisk): Promise<MemoryDisk> => {
  const copy = createMemoryDisk()
  const tables = copy.open()
  await tables.run({ tables: tableNames, mode: 'readwrite', durability: 'strict' }, async (transaction) => {
    for (const table of tableNames) for (const [key, value] of disk.entries(table)) transaction.put(table, key, value)
  })
  await tables.close()
  return copy
}
