import { nodeIdToPublicKey, parseNodeId, type NodeId, type SwarmId } from '../core/ids.ts'
import { formersOf, formerSignedBytes } from '../protocol/former.ts'
import type { Former } from '../protocol/message.ts'
import type { EventStore, Identity } from '../store/event-store.ts'
import type { NodeCrypto } from './crypto.ts'

const name = 'formers'

/** Notes that this node went over from one identity to another, in the words of the one given up. */
export const noteFormer = async (store: Pick<EventStore, 'getMeta' | 'putMeta'>, crypto: NodeCrypto, swarm: SwarmId, former: Identity, next: NodeId): Promise<void> => {
  const went = { nodeId: former.nodeId, next }
  const signature = await crypto.signer(former).sign(formerSignedBytes(swarm, went))
  await store.putMeta(name, formersOf(next, [{ ...went, signature }, ...(await loadFormers(store))]))
}

/** The former ids of this node that have signed over to its present one, newest first. */
export const loadFormers = async (store: Pick<EventStore, 'getMeta'>): Promise<readonly Former[]> => {
  const stored = await store.getMeta(name)
  return Array.isArray(stored) ? stored.flatMap(parseFormer) : []
}

const parseFormer = (value: unknown): readonly Former[] => {
  const { nodeId, next, signature } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Record<keyof Former, unknown>>
  const [from, to] = [nodeId, next].map((id) => (typeof id === 'string' ? parseNodeId(id) : undefined))
  return from !== undefined && to !== undefined && signature instanceof Uint8Array ? [{ nodeId: from, next: to, signature }] : []
}

/** The former ids of a node among those that it says: each has signed itself that it went over. */
export const trueFormers = async (crypto: NodeCrypto, swarm: SwarmId, nodeId: NodeId, said: readonly Former[]): Promise<readonly NodeId[]> => {
  const ids: NodeId[] = []
  for (const former of formersOf(nodeId, said)) {
    if (!(await crypto.verify(nodeIdToPublicKey(former.nodeId), former.signature, formerSignedBytes(swarm, former)))) break
    ids.push(former.nodeId)
  }
  return ids
}
