import type { Node, NodeStatus, TaggedEvent } from '../../src/index.ts'
import { createBrowserEnvironment } from '../../src/node/browser-environment.ts'
import { createNode } from '../../src/node/create-node.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { createMemoryDisk, openMemoryStore } from '../../src/store/memory-event-store.ts'
import { swarmIdOf } from '../../src/stream/swarm.ts'

export interface Stage {
  /** What the screens are told instead of the real status. */
  readonly status?: (real: NodeStatus) => NodeStatus
  /** What recording does instead. */
  readonly publish?: Node['publish']
  /** Is given the real node. */
  readonly keep?: (real: Node) => void
}

/** A real node on a memory disk, alone; what it says of others is staged. */
export const openMemoryNode = async (name: string): Promise<Node> => {
  const random = crypto.getRandomValues(new Uint8Array(80))
  const [founder, salt, key] = [random.slice(0, 32), random.slice(32, 48), random.slice(48)]
  const swarm = { id: await swarmIdOf(webCrypto, founder, salt), key, founder, random: salt }
  const devices = { store: openMemoryStore(createMemoryDisk(), swarm.id), crypto: webCrypto, environment: createBrowserEnvironment() }
  return createNode(devices, { swarm, name })
}

export const stageNode = (node: Node, { status = (real) => real, publish }: Stage): Node => ({
  nodeId: node.nodeId,
  swarm: node.swarm,
  publish: publish ?? ((events: readonly TaggedEvent[], options?: { readonly appId?: string }) => node.publish(events, options)),
  query: (query, order) => node.query(query, order),
  subscribe: (query, subscriber) => node.subscribe(query, subscriber),
  present: () => node.present(),
  status: () => status(node.status()),
  observe: (changed) => node.observe((real) => changed(status(real))),
  invite: () => node.invite(),
  pair: () => node.pair(),
  rename: (name) => node.rename(name),
  local: (layer) => node.local(layer),
  channel: (name) => node.channel(name),
  close: () => node.close(),
})
