import { concatBytes } from '../core/bytes.ts'
import { nodeIdToPublicKey, type NodeId, type SwarmId } from '../core/ids.ts'
import { encodeUtf8 } from '../core/utf8.ts'
import { swarmIdToBytes } from '../stream/header.ts'
import { FORMERS_MAX } from './limits.ts'
import type { Former } from './message.ts'

/** What a node signs with the key that it gives up. @see PROTOCOL.md [R23] */
export const formerSignedBytes = (swarm: SwarmId, { nodeId, next }: Omit<Former, 'signature'>): Uint8Array =>
  concatBytes([encodeUtf8('millpond/former/1'), swarmIdToBytes(swarm), nodeIdToPublicKey(nodeId), nodeIdToPublicKey(next)])

/** Those that lead to this id, newest first: each id went over to the one before. */
export const formersOf = (nodeId: NodeId, said: readonly Former[]): readonly Former[] => {
  const chain: Former[] = []
  for (let at = nodeId; chain.length < FORMERS_MAX; ) {
    const former = said.find(({ nodeId: own, next }) => next === at && own !== nodeId && !chain.some((known) => known.nodeId === own))
    if (former === undefined) break
    chain.push(former)
    at = former.nodeId
  }
  return chain
}
