import { bytesToHex, concatBytes, hexToBytes, startsWithBytes } from '../core/bytes.ts'
import { nodeIdToPublicKey, parseStreamId, parseSwarmId, publicKeyToNodeId, STREAM_NUMBER_MAX, streamIdOf } from '../core/ids.ts'
import type { Lamport, Offset, StreamId, SwarmId } from '../core/ids.ts'
import { assert } from '../core/assert.ts'
import { LAMPORT_MAX } from '../core/lamport.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { encodeUtf8 } from '../core/utf8.ts'
import type { StreamCrypto } from './crypto.ts'

/** What a seal signs: a function of the stream's content up to a batch boundary and of nothing else. FORMAT.md gives its bytes. */
export interface Header {
  readonly swarm: SwarmId
  /** Without branch: public key and stream number. */
  readonly stream: StreamId
  /** Offset of the segment's first event. */
  readonly first: Offset
  /** Events in the body, at least 1. */
  readonly events: number
  readonly firstLamport: Lamport
  readonly lastLamport: Lamport
  readonly bodyBytes: number
  /** Header id of the segment before; 32 zeros for the first. */
  readonly previous: Uint8Array
  /** SHA-256 of the body, not deflated. */
  readonly bodyHash: Uint8Array
  readonly closed: boolean
}

/** A header and the owner's signature over it, as bytes: what lies on disk and travels. */
export interface Sealed {
  /** 18 + 16 + 32 + 4 + 8 + 4 + 8 + 8 + 4 + 32 + 32 + 1 = 167 bytes. */
  readonly header: Uint8Array
  /** Ed25519 signature, 64 bytes. */
  readonly seal: Uint8Array
}

export const HEADER_BYTES = 167
export const SEAL_BYTES = 64
/** A body of this size or more is closed. */
export const CLOSE_BYTES = 64 * 1024
/** An open body is below `CLOSE_BYTES`; the line that closes it has at most 128 KiB. */
export const BODY_BYTES_MAX = 192 * 1024

/** Header id before the first segment. */
export const noHeaderId: Uint8Array = new Uint8Array(32)

/** `newer`: a label that a later version made; the stream is shown as such and not stored. */
export type HeaderFault = 'newer' | 'malformed'

const LABEL = encodeUtf8('millpond/segment/1')
const LABEL_FAMILY = encodeUtf8('millpond/segment/')

/** Big-endian u64 of a safe integer. */
export const setU64 = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, Math.floor(value / 2 ** 32))
  view.setUint32(at + 4, value % 2 ** 32)
}

/** Above 2^53 - 1 it is no safe integer, which whoever reads it checks. */
export const getU64 = (view: DataView, at: number): number => view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)

/** Swarm id as its 16 raw bytes, as all signed bytes have it. */
export const swarmIdToBytes = (swarm: SwarmId): Uint8Array => {
  const bytes = hexToBytes(swarm)
  assert(bytes?.length === 16, `not a swarm id: ${swarm}`)
  return bytes
}

/** Stream without branch as 36 raw bytes, public key and number u32, as all signed bytes have it. */
export const streamIdToBytes = (stream: StreamId): Uint8Array => {
  const parts = parseStreamId(stream)
  assert(parts !== undefined, `not a stream id: ${stream}`)
  const number = new Uint8Array(4)
  new DataView(number.buffer).setUint32(0, parts.number)
  return concatBytes([nodeIdToPublicKey(parts.nodeId), number])
}

export const encodeHeader = (header: Header): Uint8Array<ArrayBuffer> => {
  const numbers = new DataView(new ArrayBuffer(32))
  setU64(numbers, 0, header.first)
  numbers.setUint32(8, header.events)
  setU64(numbers, 12, header.firstLamport)
  setU64(numbers, 20, header.lastLamport)
  numbers.setUint32(28, header.bodyBytes)
  const bytes = concatBytes([
    LABEL, swarmIdToBytes(header.swarm), streamIdToBytes(header.stream), new Uint8Array(numbers.buffer),
    header.previous, header.bodyHash, Uint8Array.of(header.closed ? 1 : 0),
  ])
  assert(bytes.length === HEADER_BYTES, `a header has ${HEADER_BYTES} bytes, not ${bytes.length}`)
  return bytes
}

/** Whether the fields of a header can be true together. */
const isCoherent = (header: Header): boolean =>
  Number.isSafeInteger(header.first + header.events) &&
  header.events >= 1 &&
  header.firstLamport >= 1 &&
  header.lastLamport <= LAMPORT_MAX &&
  header.lastLamport - header.firstLamport >= header.events - 1 &&
  header.bodyBytes >= 1 &&
  header.bodyBytes <= (header.closed ? BODY_BYTES_MAX : CLOSE_BYTES - 1) &&
  (header.first === 0) === header.previous.every((byte) => byte === 0)

/** The arrays in the result are views into `bytes`. Whether the key may sign is another question: `isSigningKey`. */
export const decodeHeader = (bytes: Uint8Array): Result<Header, HeaderFault> => {
  if (!startsWithBytes(bytes, LABEL)) return fail(startsWithBytes(bytes, LABEL_FAMILY) && bytes.length >= LABEL.length ? 'newer' : 'malformed')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const flags = bytes[166]
  const swarm = parseSwarmId(bytesToHex(bytes.subarray(18, 34)))
  if (bytes.length !== HEADER_BYTES || flags === undefined || flags > 1 || swarm === undefined) return fail('malformed')
  const number = view.getUint32(66)
  const header: Header = {
    swarm,
    stream: streamIdOf(publicKeyToNodeId(bytes.subarray(34, 66)), number),
    first: getU64(view, 70),
    events: view.getUint32(78),
    firstLamport: getU64(view, 82),
    lastLamport: getU64(view, 90),
    bodyBytes: view.getUint32(98),
    previous: bytes.subarray(102, 134),
    bodyHash: bytes.subarray(134, 166),
    closed: flags === 1,
  }
  return number <= STREAM_NUMBER_MAX && isCoherent(header) ? ok(header) : fail('malformed')
}

/** SHA-256 of all but the flags: the same for an open segment and for the closed one with the same body. */
export const headerId = (crypto: Pick<StreamCrypto, 'sha256'>, header: Uint8Array): Promise<Uint8Array> =>
  crypto.sha256(header.subarray(0, HEADER_BYTES - 1))
