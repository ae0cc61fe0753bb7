import type { Lamport, Offset, StreamId } from '../core/ids.ts'
import { assert } from '../core/assert.ts'
import { concatBytes } from '../core/bytes.ts'
import { decodeHeader, noHeaderId, type Sealed } from './header.ts'

// The shapes in which segments go to and come from the store; `store/event-store.ts` has the same ones.

/** What is held of the segment that still grows. */
export interface OpenSegment {
  readonly first: Offset
  /** Header id of the segment before; zeros for none. */
  readonly previous: Uint8Array
  /** Last Lamport time before it; 0 for none. */
  readonly lamportBefore: Lamport
  /** Its lines so far, joined; empty when it has none. Below 64 KiB. */
  readonly body: Uint8Array
  /** Header and seal over `body`; `undefined` when it is empty. */
  readonly sealed: Sealed | undefined
}

/** A closed segment as it lies on disk and travels. */
export interface ClosedSegment {
  readonly first: Offset
  readonly events: number
  readonly firstLamport: Lamport
  readonly lastLamport: Lamport
  readonly sealed: Sealed
  readonly headerId: Uint8Array
  /** Byte for byte as its author made it. */
  readonly deflated: Uint8Array
  /** Entry for the packed summaries. */
  readonly summary: Uint8Array
}

/** The lines of one append to the open segment, with header and seal over the open segment up to here. */
export interface TailAppend {
  readonly first: Offset
  readonly events: number
  readonly lastLamport: Lamport
  readonly lines: Uint8Array
  readonly sealed: Sealed
  readonly headerId: Uint8Array
}

/** What of a stream's state an append is computed on. */
export interface StreamBase {
  readonly stream: StreamId
  readonly revision: number
  readonly head: { readonly next: Offset; readonly lamport: Lamport; readonly headerId: Uint8Array }
  readonly open: OpenSegment
}

/** One stream's part of a transaction: closed segments in order, then what follows in the open one. */
export interface StreamPieces {
  readonly stream: StreamId
  readonly revision: number
  readonly next: Offset
  readonly closed: readonly ClosedSegment[]
  readonly tail: TailAppend | undefined
}

/** A stream of which nothing is held: from its beginning, or from a start. */
export const emptyBase = (
  stream: StreamId,
  start: { readonly offset: Offset; readonly previous: Uint8Array; readonly lamportBefore: Lamport } = { offset: 0, previous: noHeaderId, lamportBefore: 0 },
): StreamBase => ({
  stream,
  revision: 0,
  head: { next: start.offset, lamport: start.lamportBefore, headerId: start.previous },
  open: { first: start.offset, previous: start.previous, lamportBefore: start.lamportBefore, body: new Uint8Array(0), sealed: undefined },
})

/** First Lamport time of an open segment that has lines: its header says it, no line needs to be parsed. */
export const openFirstLamport = ({ first, sealed }: OpenSegment): Lamport => {
  const header = sealed === undefined ? undefined : decodeHeader(sealed.header)
  assert(header?.ok === true, `the open segment at ${first} has lines but no header`)
  return header.value.firstLamport
}

/** What a store holds after these pieces, which were computed on `base`. A closing raises the revision. */
export const grown = <Base extends StreamBase>(base: Base, { closed, tail }: Pick<StreamPieces, 'closed' | 'tail'>): Base => {
  const last = closed.at(-1)
  const open = last === undefined ? base.open : { first: last.first + last.events, previous: last.headerId, lamportBefore: last.lastLamport, body: new Uint8Array(0), sealed: undefined }
  const head = last === undefined ? base.head : { next: open.first, lamport: open.lamportBefore, headerId: open.previous }
  const closing = { ...base, revision: base.revision + (last === undefined ? 0 : 1), head, open }
  if (tail === undefined) return closing
  return {
    ...closing,
    head: { next: tail.first + tail.events, lamport: tail.lastLamport, headerId: tail.headerId },
    open: { ...open, body: open.body.length === 0 ? tail.lines : concatBytes([open.body, tail.lines]), sealed: tail.sealed },
  }
}
