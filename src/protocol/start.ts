import { concatBytes } from '../core/bytes.ts'
import type { SwarmId } from '../core/ids.ts'
import { encodeUtf8 } from '../core/utf8.ts'
import { setU64, streamIdToBytes, swarmIdToBytes } from '../stream/header.ts'
import type { SaidStart } from './message.ts'

/** What a stream's owner signs to say from where on it holds it. @see PROTOCOL.md [R40] */
export const startSignedBytes = (swarm: SwarmId, { stream, offset, previous, lamportBefore }: Omit<SaidStart, 'signature'>): Uint8Array => {
  const numbers = new DataView(new ArrayBuffer(16))
  setU64(numbers, 0, offset)
  setU64(numbers, 8, lamportBefore)
  return concatBytes([
    encodeUtf8('millpond/start/1'), swarmIdToBytes(swarm), streamIdToBytes(stream), new Uint8Array(numbers.buffer, 0, 8), previous, new Uint8Array(numbers.buffer, 8, 8),
  ])
}
