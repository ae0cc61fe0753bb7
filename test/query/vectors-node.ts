import { streamIdOf, type StreamId } from '../../src/core/ids.ts'
import { createNode } from '../../src/node/create-node.ts'
import { foundSwarm, type Membership } from '../../src/node/membership.ts'
import { createMemoryEnvironment } from '../../src/node/memory-environment.ts'
import type { Node } from '../../src/node/node.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import type { EventStore, Identity } from '../../src/store/event-store.ts'
import type { SwarmId } from '../../src/core/ids.ts'
import { encodeBatch } from '../../src/stream/batch.ts'
import { sealBatches } from '../../src/stream/seal.ts'
import { emptyBase } from '../../src/stream/segment.ts'
import { events, nodeA, nodeB, nowMicros, streamA, streamB } from './vectors.ts'

/** A node whose disk holds the events of the vectors, as two nodes have signed them. */
export const openVectorNode = async (openStore: (swarm: SwarmId) => Promise<EventStore>) => {
  const { swarm, identity: own } = await foundSwarm(webCrypto, createMemoryEnvironment().randomBytes)
  const [lower, higher] = await inOrder(own)
  const environment = { ...createMemoryEnvironment(), nowMicros: () => nowMicros }
  const open = async (): Promise<Node> => createNode({ store: await openStore(swarm.id), crypto: webCrypto, environment }, { swarm, identity: lower })
  await (await open()).close()
  const store = await openStore(swarm.id)
  const streams = { [streamA]: streamIdOf(lower.nodeId, 0), [streamB]: streamIdOf(higher.nodeId, 3) }
  for (const { meta, payload } of events) {
    const stream: StreamId = streams[meta.stream] ?? streamA
    const batch = encodeBatch([{ tags: meta.tags, event: payload }], meta.lamport, meta)
    if (!batch.ok) throw new Error(batch.error.text)
    const isOwn = meta.stream === streamA
    const append = await sealBatches({ crypto: webCrypto, signer: webCrypto.signer(isOwn ? lower : higher), swarm: swarm.id }, (await store.state(stream)) ?? emptyBase(stream), [batch.value])
    if (isOwn) await store.appendOwn(append, meta.lamport, false)
    else await store.appendReplicated([append], 0)
  }
  await store.close()
  const here = (text: string) => text.replaceAll(nodeA, lower.nodeId).replaceAll(nodeB, higher.nodeId)
  return { node: await open(), swarm: swarm.id, here }
}

/** Ids of the vectors' nodes sort in a known way: the key that is the lower one is the node's own. */
const inOrder = async (own: Membership['identity']): Promise<readonly [Identity, Identity]> => {
  for (;;) {
    const [lower, higher] = [own ?? (await webCrypto.generateIdentity()), await webCrypto.generateIdentity()]
    if (lower.nodeId < higher.nodeId) return [lower, higher]
    own = undefined
  }
}
