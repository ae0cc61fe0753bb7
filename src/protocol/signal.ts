import { fail, type Result } from '../core/result.ts'
import { decodeCbor, encodeCbor, readBytes, readExactBytes, readInteger, readOneOf, readTuple, readWhen } from './cbor.ts'

/** Largest signal of a connector: offer, answer or candidate. */
export const SIGNAL_BYTES_MAX = 3 * 1024

const refusals = ['busy', 'connected', 'unwanted', 'failed'] as const
export type Refusal = (typeof refusals)[number]

/** What two nodes say to each other, sealed in an envelope, to agree on a connection. `attempt`: 16 random bytes of whoever speaks first of it. */
export type Signal =
  /** First over an introduction pipe, in both directions: who this is. Both introduction ids bind it to this pipe; the reader's own must be `peer`. */
  | { readonly type: 'greet'; readonly own: Uint8Array; readonly peer: Uint8Array }
  /** The sender has the larger node id and asks to be dialled. */
  | { readonly type: 'dialMe'; readonly attempt: Uint8Array }
  /** A signal of the connector, opaque here. `index` counts from 0 in each direction: signals are handed over in order. */
  | { readonly type: 'signal'; readonly attempt: Uint8Array; readonly index: number; readonly data: Uint8Array }
  /** No connection will come of it: `busy` no budget now · `connected` there is one · `unwanted` not in this topology · `failed` given up. */
  | { readonly type: 'refuse'; readonly attempt: Uint8Array; readonly reason: Refusal }

/** @see PROTOCOL.md [R52] */
export const encodeSignal = (signal: Signal): Uint8Array => {
  switch (signal.type) {
    case 'greet': return encodeCbor([1, signal.own, signal.peer])
    case 'dialMe': return encodeCbor([2, signal.attempt])
    case 'signal': return encodeCbor([3, signal.attempt, signal.index, signal.data])
    case 'refuse': return encodeCbor([4, signal.attempt, signal.reason])
  }
}

/** Never throws. @see PROTOCOL.md [R52] */
export const decodeSignal = (bytes: Uint8Array): Result<Signal, string> =>
  bytes.length > SIGNAL_BYTES_MAX + 64 ? fail('too large') : decodeCbor(bytes, readSignal)

const readSignal = (value: unknown): Signal => {
  readWhen(Array.isArray(value), 'not an array')
  const fields = value as readonly unknown[]
  switch (readInteger(fields[0], 4, 1)) {
    case 1: {
      const [, own, peer] = readTuple(fields, 3)
      return { type: 'greet', own: readExactBytes(own, 16), peer: readExactBytes(peer, 16) }
    }
    case 2: return { type: 'dialMe', attempt: readExactBytes(readTuple(fields, 2)[1], 16) }
    case 3: {
      const [, attempt, index, data] = readTuple(fields, 4)
      return { type: 'signal', attempt: readExactBytes(attempt, 16), index: readInteger(index, 0xffff), data: readBytes(data, SIGNAL_BYTES_MAX) }
    }
    default: {
      const [, attempt, reason] = readTuple(fields, 3)
      return { type: 'refuse', attempt: readExactBytes(attempt, 16), reason: readOneOf(reason, refusals) }
    }
  }
}
