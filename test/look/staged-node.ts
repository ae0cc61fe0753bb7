import type { Node, NodeStatus, TaggedEvent } from '../../src/index.ts'
import { createBrowserEnvironment } from '../../src/node/browser-environment.ts'
import { createSimplePeerPairing } from '../../src/net/simple-peer-pairing.ts'
import { createSimplePeerConnector } from '../../src/net/simple-peer-transport.ts'
import { connectParts } from '../../src/node/connect.ts'
import { createNode } from '../../src/node/create-node.ts'
import type { Swarm } from '../../src/node/crypto.ts'
import { joinSwarm } from '../../src/node/join-swarm.ts'
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

/** A real node on a memory disk. It meets others by codes alone; what it says of them is staged. */
export const openMemoryNode = async (name: string, invitation?: string): Promise<Node> => {
  const environment = createBrowserEnvironment()
  const swarm = invitation === undefined ? await newSwarm() : (await joinSwarm(webCrypto, invitation)).swarm
  const options = { stunUrls: () => [], timers: environment }
  const network = { parts: connectParts, connector: createSimplePeerConnector(options), pairing: createSimplePeerPairing(options), signalings: () => [] }
  // Two nodes in one page are two tablets: they share no lock and no channel.
  const node = await createNode({ store: openMemoryStore(createMemoryDisk(), swarm.id), crypto: webCrypto, environment, network }, { swarm, name, scope: `look-${crypto.randomUUID()}` })
  await new Promise<void>((leads) => {
    const stop = node.observe(({ leader }) => leader && (stop(), leads()))
  })
  return node
}

const newSwarm = async (): Promise<Swarm> => {
  const random = crypto.getRandomValues(new Uint8Array(80))
  const [founder, salt, key] = [random.slice(0, 32), random.slice(32, 48), random.slice(48)]
  return { id: await swarmIdOf(webCrypto, founder, salt), key, founder, random: salt }
}

export const stageNode = (node: Node, { status = (real) => real, publish }: Stage): Node => ({
  nodeId: node.nodeId,
  swarm: node.swarm,
  publish: publish ?? ((events: readonly TaggedEvent[], options?: { readonly appId?: string }) => node.publish(events, options)),
  query: (query, order) => node.query(query, order),
  aql: (text, options) => node.aql(text, options),
  subscribeAql: (text, subscriber, options) => node.subscribeAql(text, subscriber, options),
  subscribe: (query, subscriber, late) => node.subscribe(query, subscriber, late),
  present: () => node.present(),
  status: () => status(node.status()),
  observe: (changed) => node.observe((real) => changed(status(real))),
  invite: () => node.invite(),
  pair: () => node.pair(),
  rename: (name) => node.rename(name),
  persist: () => node.persist(),
  archive: (which) => node.archive(which),
  takeArchive: (file) => node.takeArchive(file),
  local: (layer) => node.local(layer),
  channel: (name) => node.channel(name),
  close: () => node.close(),
})
