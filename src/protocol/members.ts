import { concatBytes } from '../core/bytes.ts'
import { nodeIdToPublicKey, type SwarmId } from '../core/ids.ts'
import { encodeUtf8 } from '../core/utf8.ts'
import { setU64, swarmIdToBytes } from '../stream/header.ts'
import type { Member } from './message.ts'
import { u32 } from './proof.ts'

/** What a node signs in its own entry of `members`. @see PROTOCOL.md [R55] */
export const memberSignedBytes = (swarm: SwarmId, { nodeId, name, links, counter }: Omit<Member, 'signature'>): Uint8Array => {
  const nameBytes = encodeUtf8(name)
  const counterBytes = new DataView(new ArrayBuffer(8))
  setU64(counterBytes, 0, counter)
  return concatBytes([
    encodeUtf8('millpond/about/1'), swarmIdToBytes(swarm), nodeIdToPublicKey(nodeId), u32(nameBytes.length), nameBytes,
    u32(links.length), ...links.map(nodeIdToPublicKey), new Uint8Array(counterBytes.buffer),
  ])
}
