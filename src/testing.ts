/** Nodes in memory, for the tests of applications. @module millpond/testing */
import type { SwarmId } from './core/ids.ts'
import { createMemoryHub } from './net/memory-signaling.ts'
import { createMemoryNetwork } from './net/memory-transport.ts'
import { createRelaySignaling } from './net/relay-signaling.ts'
import type { Network } from './node/connections.ts'
import { connectParts } from './node/connect.ts'
import { createNode } from './node/create-node.ts'
import type { Environment } from './node/environment.ts'
import { foundSwarm } from './node/membership.ts'
import { createMemoryEnvironment } from './node/memory-environment.ts'
import type { Node } from './node/node.ts'
import { webCrypto } from './node/web-crypto.ts'
import type { EventStore } from './store/event-store.ts'
import { createMemoryDisk, openMemoryStore } from './store/memory-event-store.ts'

export interface TestNodeOptions {
  /** Display name. Default: `Test 1` and so on. */
  readonly name?: string
  /** Of events that are published without one. Default: `''`. */
  readonly appId?: string
  /** The node's wall clock, in microseconds since 1970. Default: the real one. */
  readonly nowMicros?: () => number
  /** Where it keeps its events. Default: in memory. @internal */
  readonly openStore?: (swarm: SwarmId) => Promise<EventStore>
}

/** Nodes for the tests of an application: real ones, on disks and a network in memory. Nothing outlives them. */
export interface TestSwarm {
  /** One more node. It finds the others by itself, as tablets do. */
  readonly node: (options?: TestNodeOptions) => Promise<Node>
  /** Pulls its cable: nothing reaches it or leaves it any more, and nobody is told. */
  readonly cut: (node: Node) => void
  /** Puts the cable back: what waited arrives. */
  readonly heal: (node: Node) => void
  /** Closes all nodes. */
  readonly close: () => Promise<void>
}

/**
 * A swarm without nodes yet.
 * @throws NodeError `NODE-UNSUPPORTED` where there is no WebCrypto with Ed25519; Node.js 20 has it
 *
 * @example
 * ```ts
 * import { testSwarm } from 'millpond/testing'
 *
 * const swarm = await testSwarm()
 * const [press, office] = [await swarm.node(), await swarm.node()]
 * swarm.cut(press)
 * await press.publish([{ tags: ['piece'], event: 'good' }])
 * console.log(Object.keys(await office.present()).length) // 0
 * swarm.heal(press)
 * await new Promise<void>((done, failed) => office.subscribe({}, {
 *   events: (events) => (events.length > 0 ? done() : undefined), timeTravel: () => undefined, failed,
 * }))
 * console.log(Object.keys(await office.present()).length) // 1
 * await swarm.close()
 * ```
 */
export const testSwarm = async (): Promise<TestSwarm> => {
  const environment = createMemoryEnvironment()
  const membership = await foundSwarm(webCrypto, environment.randomBytes)
  const network = createMemoryNetwork({ timers: environment })
  const hub = createMemoryHub(network, environment)
  const endpoints = new Map<Node, string>()
  const networkAt = (endpoint: string, timers: Environment): Network => ({
    parts: connectParts,
    connector: network.connector(endpoint),
    signalings: ({ swarm, introductionId, key, nodeId, road }) => {
      const tagOf = (id: Uint8Array) => webCrypto.hmac(key, id)
      return [['memory:hub', hub.signaling({ name: endpoint, swarm: swarm.id, introductionId, tagOf, timers })], [undefined, createRelaySignaling({ nodeId, road, timers })]]
    },
  })
  const endpointOf = (node: Node): string => {
    const endpoint = endpoints.get(node)
    if (endpoint === undefined) throw new RangeError('this node is not of this test swarm')
    return endpoint
  }
  let count = 0
  return {
    node: async ({ name, appId, nowMicros, openStore } = {}) => {
      const endpoint = `Test ${++count}`
      const own = { ...createMemoryEnvironment(), ...(nowMicros && { nowMicros }) }
      const { swarm } = membership
      const store = openStore === undefined ? openMemoryStore(createMemoryDisk(), swarm.id) : await openStore(swarm.id)
      const devices = { store, crypto: webCrypto, environment: own, network: networkAt(endpoint, own) }
      const node = await createNode(devices, { swarm, name: name ?? endpoint, ...(appId !== undefined && { appId }), ...(count === 1 && membership.identity && { identity: membership.identity }) })
      endpoints.set(node, endpoint)
      return node
    },
    cut: (node) => network.cut(endpointOf(node)),
    heal: (node) => network.heal(endpointOf(node)),
    close: async () => {
      for (const node of endpoints.keys()) await node.close()
    },
  }
}

/**
 * A node for the tests of an application, alone and in memory, in Node.js or a browser: it does all that one of a browser does, AQL and subscriptions too.
 * For several, and for partitions, see `testSwarm`.
 *
 * @example
 * ```ts
 * import { testNode } from 'millpond/testing'
 *
 * const node = await testNode({ appId: 'com.example.press' })
 * await node.publish([{ tags: ['piece'], event: { good: true } }])
 * for await (const { payload, meta } of node.query({})) console.log(JSON.stringify(payload), meta.appId) // {"good":true} com.example.press
 * await node.close()
 * ```
 */
export const testNode = async (options: TestNodeOptions = {}): Promise<Node> => (await testSwarm()).node(options)
