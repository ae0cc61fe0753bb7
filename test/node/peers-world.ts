import { createMemoryHub, type MemoryHub } from '../../src/net/memory-signaling.ts'
import { createMemoryNetwork, type MemoryNetwork } from '../../src/net/memory-transport.ts'
import type { NodeCrypto, Swarm } from '../../src/node/crypto.ts'
import { swarmIdOf } from '../../src/stream/swarm.ts'
import { createSeededCrypto } from '../seeded-crypto.ts'
import { createTestWorld, type TestTab, type TestWorld } from '../environment.ts'
import { identityOf, openPeersPage, type PageOptions, type PeersPage, type TestIdentity } from './peers-page.ts'

/** Pages of one swarm on one network with a hub. */
export interface PeersWorld {
  readonly world: TestWorld
  readonly network: MemoryNetwork
  readonly hub: MemoryHub
  readonly swarm: Swarm
  readonly crypto: NodeCrypto
  /** In the order of their node ids. */
  readonly identities: readonly TestIdentity[]
  /** @param name also its endpoint in the network */
  readonly open: (identity: TestIdentity, name: string, options?: PageOptions) => TestPage
  /** HMAC with the swarm's key for `intro`. */
  readonly tagOf: (introductionId: Uint8Array) => Promise<Uint8Array>
}

export interface TestPage extends PeersPage {
  readonly tab: TestTab
}

export const createPeersWorld = async (seed = 1): Promise<PeersWorld> => {
  const world = createTestWorld(seed)
  const crypto = createSeededCrypto(world.random)
  const chance = { nowMicros: () => world.nowMs() * 1000, after: world.after, randomBytes: world.random.bytes }
  const network = createMemoryNetwork({ timers: chance })
  const hub = createMemoryHub(network, chance)
  const [founder, random] = [world.random.bytes(32), world.random.bytes(16)]
  const swarm: Swarm = { id: await swarmIdOf(crypto, founder, random), key: world.random.bytes(32), founder, random }
  const key = await crypto.derive(swarm.key, swarm.id, 'intro')
  const tagOf = (id: Uint8Array) => crypto.hmac(key, id)
  const identities = await Promise.all(Array.from({ length: 4 }, () => identityOf(world.random.bytes(32))))
  return {
    world, network, hub, swarm, crypto, tagOf,
    identities: identities.toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1)),
    open: (identity, name, options) => {
      const tab = world.profile().openTab()
      const { environment } = tab
      const introductionId = options?.introductionId ?? environment.randomBytes(16)
      const signaling = hub.signaling({ name, swarm: swarm.id, introductionId, tagOf, timers: environment })
      return { tab, ...openPeersPage({ environment, crypto, swarm, introductionId, signaling, connector: network.connector(name) }, name, identity, options) }
    },
  }
}
