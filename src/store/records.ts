import { assert } from '../core/assert.ts'
import { bytesToHex, concatBytes } from '../core/bytes.ts'
import type { Lamport, Offset, StreamId } from '../core/ids.ts'
import { decodeHeader, getU64, HEADER_BYTES, noHeaderId, SEAL_BYTES, setU64, type Header, type Sealed } from '../stream/header.ts'
import { StoreError } from './errors.ts'
import type { ClosedSegment, StreamRecord, TailAppend } from './event-store.ts'

/** What lies in `streams`. */
export interface StoredStream extends StreamRecord {
  /** Header id and last Lamport time before the open segment. */
  readonly previous: Uint8Array
  readonly lamportBefore: Lamport
}

/** What lies in `tail`: one append, or several joined. */
export interface StoredAppend extends TailAppend {
  readonly joined: boolean
}

/** What lies in `segments`; its summary lies elsewhere. */
export type StoredSegment = Omit<ClosedSegment, 'summary'>

/** A stream of which there is no record: nothing of it has been closed. */
export const newStream = (stream: StreamId): StoredStream =>
  ({ stream, revision: 0, openFirst: 0, previous: noHeaderId, lamportBefore: 0, start: undefined, branch: undefined, standing: undefined, closedBytes: 0 })

/** Where what is stored of a stream begins. */
export const beginningOf = ({ start, branch }: StoredStream): Pick<StoredStream, 'openFirst' | 'previous' | 'lamportBefore'> => ({
  openFirst: branch?.first ?? start?.offset ?? 0,
  previous: branch?.previous ?? start?.previous ?? noHeaderId,
  lamportBefore: branch?.lamportBefore ?? start?.lamportBefore ?? 0,
})

/** First offset that is shown. */
export const shownFrom = ({ start, branch }: Pick<StoredStream, 'start' | 'branch'>): Offset => branch?.fork ?? start?.offset ?? 0

const sealedBytes = 32 + HEADER_BYTES + SEAL_BYTES
const appendBytes = 1 + 8 + 4 + 8 + sealedBytes
const segmentBytes = 8 + 4 + 8 + 8 + sealedBytes

/** `joined ‖ first u64 ‖ events u32 ‖ last lamport u64 ‖ header id ‖ header ‖ seal ‖ lines`: one binary value is stored and read much faster than an object. */
export const packAppend = (append: StoredAppend): Uint8Array => {
  const numbers = new DataView(new ArrayBuffer(21))
  numbers.setUint8(0, append.joined ? 1 : 0)
  setU64(numbers, 1, append.first)
  numbers.setUint32(9, append.events)
  setU64(numbers, 13, append.lastLamport)
  return concatBytes([new Uint8Array(numbers.buffer), ...partsOfSealed(append), append.lines])
}

/** `undefined` for anything that `packAppend` does not make. */
export const unpackAppend = (value: unknown): StoredAppend | undefined => {
  if (!(value instanceof Uint8Array) || value.length < appendBytes) return undefined
  const numbers = viewOf(value)
  return {
    joined: value[0] === 1,
    first: getU64(numbers, 1),
    events: numbers.getUint32(9),
    lastLamport: getU64(numbers, 13),
    ...readSealed(value, 21),
    lines: value.slice(appendBytes),
  }
}

/** `first u64 ‖ events u32 ‖ first and last lamport u64 u64 ‖ header id ‖ header ‖ seal ‖ deflated body` */
export const packSegment = (segment: StoredSegment): Uint8Array => {
  const numbers = new DataView(new ArrayBuffer(28))
  setU64(numbers, 0, segment.first)
  numbers.setUint32(8, segment.events)
  setU64(numbers, 12, segment.firstLamport)
  setU64(numbers, 20, segment.lastLamport)
  return concatBytes([new Uint8Array(numbers.buffer), ...partsOfSealed(segment), segment.deflated])
}

/** `undefined` for anything that `packSegment` does not make, and where the header says otherwise. */
export const unpackSegment = (value: unknown): StoredSegment | undefined => {
  if (!(value instanceof Uint8Array) || value.length < segmentBytes) return undefined
  const numbers = viewOf(value)
  const segment = {
    first: getU64(numbers, 0),
    events: numbers.getUint32(8),
    firstLamport: getU64(numbers, 12),
    lastLamport: getU64(numbers, 20),
    ...readSealed(value, 28),
    deflated: value.slice(segmentBytes),
  }
  const header = headerOf(segment.sealed)
  const fits = header?.first === segment.first && header.events === segment.events && header.lastLamport === segment.lastLamport
  return fits ? segment : undefined
}

/** What is no record of `streams`, or cannot be read, counts as none: what lies beyond it is then a hole, and no other stream is concerned. */
export const parseStoredStream = (stream: StreamId, value: unknown): StoredStream => {
  const record = value as Partial<Record<keyof StoredStream, unknown>>
  const whole =
    typeof value === 'object' && value !== null && record.stream === stream && typeof record.revision === 'number' &&
    typeof record.openFirst === 'number' && typeof record.lamportBefore === 'number' && record.previous instanceof Uint8Array
  return { ...newStream(stream), ...(whole && value) }
}

/** `undefined` when the header is not one. */
export const headerOf = ({ header }: Sealed): Header | undefined => {
  const result = decodeHeader(header)
  return result.ok ? result.value : undefined
}

/** Where a record is kept in `aside`: by its header id, which lies between these bytes in a packed append and a packed segment, so that versions do not overwrite each other. */
export const asideId = (stream: StreamId, first: Offset, record: unknown): string =>
  `${stream}/${String(first).padStart(16, '0')}/${record instanceof Uint8Array ? bytesToHex(record.subarray(21, 60)) : 'unreadable'}`

/** 0 for anything that is no number. */
export const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)

export const unreadable = (what: string): StoreError =>
  new StoreError('STORE-UNREADABLE', `${what} is not what was written; it has to be fetched again`)

const partsOfSealed = ({ headerId, sealed }: { readonly headerId: Uint8Array; readonly sealed: Sealed }): readonly Uint8Array[] => {
  const whole = headerId.length === 32 && sealed.header.length === HEADER_BYTES && sealed.seal.length === SEAL_BYTES
  assert(whole, 'a header id has 32 bytes, a header 167, a seal 64')
  return [headerId, sealed.header, sealed.seal]
}

const readSealed = (bytes: Uint8Array, at: number): { readonly headerId: Uint8Array; readonly sealed: Sealed } => ({
  headerId: bytes.slice(at, at + 32),
  sealed: { header: bytes.slice(at + 32, at + 32 + HEADER_BYTES), seal: bytes.slice(at + 32 + HEADER_BYTES, at + sealedBytes) },
})

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
