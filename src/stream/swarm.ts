import { bytesToBase64Url, bytesToHex, concatBytes } from '../core/bytes.ts'
import { streamWithoutBranch, type Lamport, type Offset, type StreamId, type SwarmId } from '../core/ids.ts'
import { encodeUtf8 } from '../core/utf8.ts'
import type { StreamCrypto } from './crypto.ts'
import { setU64, streamIdToBytes, swarmIdToBytes } from './header.ts'

type Sha256 = Pick<StreamCrypto, 'sha256'>

/** First 16 bytes of SHA-256('millpond/swarm/1' ‖ founder's public key ‖ 16 random bytes). @see FORMAT.md [F35] */
export const swarmIdOf = async (crypto: Sha256, founder: Uint8Array, random: Uint8Array): Promise<SwarmId> => {
  if (founder.length !== 32 || random.length !== 16) throw new RangeError('a swarm id is made of 32 and 16 bytes')
  const hash = await crypto.sha256(concatBytes([encodeUtf8('millpond/swarm/1'), founder, random]))
  return bytesToHex(hash.subarray(0, 16)) as SwarmId
}

/** From where on the owner of a stream still holds it, always a segment's beginning, and all that goes on from what lies before. */
export interface StartPlace {
  readonly offset: Offset
  /** Header id of the segment before. */
  readonly previous: Uint8Array
  /** Last Lamport time before. */
  readonly lamportBefore: Lamport
  /** Over all lines before: names of branches go on from it. */
  readonly chain: Uint8Array
}

/** What the owner of a stream signs to say where it starts. @see FORMAT.md [F36] */
export const startBytes = (swarm: SwarmId, stream: StreamId, start: StartPlace): Uint8Array => {
  const numbers = new DataView(new ArrayBuffer(16))
  setU64(numbers, 0, start.offset)
  setU64(numbers, 8, start.lamportBefore)
  const [offset, lamport] = [new Uint8Array(numbers.buffer, 0, 8), new Uint8Array(numbers.buffer, 8, 8)]
  return concatBytes([encodeUtf8('millpond/start/2'), swarmIdToBytes(swarm), streamIdToBytes(stream), offset, start.previous, lamport, start.chain])
}

/** Chain over the lines of a stream before its first one. */
export const noLines: Uint8Array = new Uint8Array(32)

/** Chain over the lines of a stream up to and with `line`: SHA-256(chain before ‖ line). */
export const chainLine = (crypto: Sha256, before: Uint8Array, line: Uint8Array): Promise<Uint8Array> => crypto.sha256(concatBytes([before, line]))

/** Name of a branch, from the chain up to and with its first batch. @see FORMAT.md [F37] */
export const branchIdOf = (stream: StreamId, chain: Uint8Array): StreamId =>
  `${streamWithoutBranch(stream)}~${bytesToBase64Url(chain).slice(0, 22)}` as StreamId
