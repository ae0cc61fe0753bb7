import { equalBytes } from '../core/bytes.ts'
import type { Offset, StreamId } from '../core/ids.ts'
import type { Place, SaidHead } from '../protocol/message.ts'
import type { ReadResult, StreamView } from '../protocol/plan-state.ts'
import { StoreError } from '../store/errors.ts'
import type { EventStore, Piece, StreamState } from '../store/event-store.ts'
import { byteOfEvent, readBody } from '../stream/body.ts'
import type { StreamCrypto } from '../stream/crypto.ts'
import { decodeHeader, encodeHeader, headerId, type Header } from '../stream/header.ts'
import { holdsSeal } from '../stream/verify.ts'

/** What replication reads from the disk to give to others, or to find out where to ask. */
export interface Reads {
  /** The next piece for a want. @see PROTOCOL.md [R26] */
  readonly forWant: (stream: StreamId, place: Place) => Promise<ReadResult>
  /** What follows on `next`. @see PROTOCOL.md [R33] */
  readonly forPush: (stream: StreamId, next: Offset) => Promise<ReadResult>
  /** The segment before the one that begins at `first`. */
  readonly placeBefore: (stream: StreamId, first: Offset) => Promise<Place | undefined>
  /** The segment in which `head` lies, if this disk has another there. */
  readonly placeOfOther: (stream: StreamId, head: SaidHead) => Promise<Place | undefined>
}

/** A piece read from disk, its body inflated and checked against the header's hash. */
export interface HeldSegment {
  readonly header: Header
  readonly piece: Piece
  readonly body: Uint8Array
}

export const createReads = (store: EventStore, crypto: StreamCrypto): Reads => {
  const after = async (held: HeldSegment): Promise<Place> => {
    const end = held.header.first + held.header.events
    return held.piece.type === 'closed'
      ? { first: end, previous: await headerId(crypto, held.piece.sealed.header), next: end }
      : { first: held.header.first, previous: held.header.previous, next: end }
  }
  /** Of a closed segment all, of an open one the lines from `next` on. */
  const segment = async (held: HeldSegment, next: Offset): Promise<ReadResult> => {
    const { header, piece } = held
    const common = { type: 'segment', header: piece.sealed.header, seal: piece.sealed.seal, after: await after(held) } as const
    if (piece.type === 'closed') return { ...common, from: header.first, body: piece.deflated }
    const at = byteOfEvent(piece.body, next - header.first)
    if (at === undefined) return end('conflict')
    return at === piece.body.length ? end('all') : { ...common, from: next, body: piece.body.subarray(at) }
  }
  return {
    forWant: async (stream, place) => {
      const piece = await store.piece(stream, place.first)
      // Of a closed segment nothing else is asked: that is most of what is read.
      if (piece?.type !== 'closed') {
        const state = await store.state(stream)
        if (state === undefined) return end('unknown')
        const { start } = state
        if (start !== undefined && place.first < start.offset) return { type: 'end', reason: 'start', start: { stream, ...start } }
        if (piece === undefined) return end(isEmptyThere(state, place) ? 'all' : 'conflict')
        if (state.standing?.type === 'forked') return end('all')
      }
      const held = await heldSegment(crypto, stream, piece)
      return held.header.first === place.first && equalBytes(held.header.previous, place.previous) ? segment(held, place.next) : end('conflict')
    },
    forPush: async (stream, next) => {
      const piece = await store.piece(stream, next)
      return piece === undefined ? end('all') : segment(await heldSegment(crypto, stream, piece), next)
    },
    placeBefore: async (stream, first) => {
      const piece = first === 0 ? undefined : await store.piece(stream, first - 1)
      return piece && placeOf(decoded(stream, piece))
    },
    placeOfOther: async (stream, head) => {
      const piece = await store.piece(stream, head.next - 1)
      if (piece === undefined) return undefined
      const held = await heldSegment(crypto, stream, piece)
      const id = await headerIdAt(crypto, held, head.next)
      return id !== undefined && equalBytes(id.subarray(0, 16), head.id) ? undefined : placeOf(held.header)
    },
  }
}

const end = (reason: 'all' | 'conflict' | 'unknown'): ReadResult => ({ type: 'end', reason })

const isEmptyThere = ({ open }: StreamState, place: Place): boolean =>
  open.body.length === 0 && open.first === place.first && equalBytes(open.previous, place.previous)

const placeOf = (header: Header): Place => ({ first: header.first, previous: header.previous, next: header.first })

const decoded = (stream: StreamId, piece: Piece): Header => {
  const header = decodeHeader(piece.sealed.header)
  if (!header.ok) throw new StoreError('STORE-UNREADABLE', `the header of ${stream} at ${piece.first}`)
  return header.value
}

/** Inflates a piece of the own disk. @throws StoreError `STORE-UNREADABLE` when it is not what was sealed */
export const heldSegment = async (crypto: StreamCrypto, stream: StreamId, piece: Piece): Promise<HeldSegment> => {
  const header = decoded(stream, piece)
  const body = piece.type === 'open' ? piece.body : await crypto.inflate(piece.deflated, header.bodyBytes)
  if (body === undefined || !equalBytes(await crypto.sha256(body), header.bodyHash)) {
    throw new StoreError('STORE-UNREADABLE', `the segment of ${stream} at ${piece.first} is not what was sealed`)
  }
  return { header, piece, body }
}

/** Header over the lines of `body` up to `end`: what its author's header was at that moment. `undefined` when no batch ends there. */
export const headerUpTo = async (crypto: StreamCrypto, whole: Header, body: Uint8Array, end: Offset): Promise<{ readonly header: Header; readonly lines: Uint8Array } | undefined> => {
  const at = byteOfEvent(body, end - whole.first)
  const lines = body.subarray(0, at ?? 0)
  const read = readBody(lines, 0)
  if (at === undefined || !read.ok) return undefined
  const { events, firstLamport, lastLamport } = read.value
  const header: Header = { ...whole, events, firstLamport, lastLamport, bodyBytes: lines.length, bodyHash: await crypto.sha256(lines), closed: false }
  return { header, lines }
}

const headerIdAt = async (crypto: StreamCrypto, held: HeldSegment, end: Offset): Promise<Uint8Array | undefined> => {
  const upTo = await headerUpTo(crypto, held.header, held.body, end)
  return upTo && headerId(crypto, encodeHeader(upTo.header))
}

/** What the plan knows of a stream. */
export const viewOfState = ({ head, open, start, branch, standing }: StreamState): StreamView => ({
  next: head.next, headerId: head.headerId, first: open.first, previous: open.previous, start: branch?.fork ?? start?.offset ?? 0,
  ended: standing?.type === 'forked' && head.next >= standing.end,
})

interface Disk {
  readonly store: EventStore
  readonly crypto: StreamCrypto
}

/** `bad`: where the first piece begins that is not what was sealed, or is missing. `next`: where to go on; `undefined` at the end. */
export type Checked = { readonly bad: Offset; readonly next?: never } | { readonly bad?: never; readonly next: Offset | undefined }

/**
 * Checks up to `countMax` pieces of a stream, from the one that holds `from` on: body, seal, and that each follows on the one before.
 * @param seen is given each closed one that is what was sealed
 */
export const checkPieces = async ({ store, crypto }: Disk, stream: StreamId, from: Offset, countMax: number, seen?: (held: HeldSegment) => void): Promise<Checked> => {
  const state = await store.state(stream)
  if (state === undefined) return { next: undefined }
  /** Of the piece checked last. */
  let before: { readonly first: Offset; readonly id: Uint8Array } | undefined
  let at = Math.max(from, state.branch?.first ?? state.start?.offset ?? 0)
  for (let count = 0; at < state.head.next; count++) {
    if (count >= countMax) return { next: at }
    try {
      const piece = await store.piece(stream, at)
      if (piece === undefined) return { next: undefined }
      const held = await heldSegment(crypto, stream, piece)
      const { header } = held
      const follows = before === undefined || equalBytes(header.previous, before.id)
      // The seal kept where a forked stream ends covers more than is kept.
      const isSealed = (piece.type === 'open' && state.standing?.type === 'forked') || (await holdsSeal(crypto, stream, piece.sealed))
      if (!follows || !isSealed) return { bad: at }
      if (piece.type === 'closed') seen?.(held)
      before = { first: header.first, id: await headerId(crypto, piece.sealed.header) }
      at = header.first + header.events
    } catch (error) {
      if (error instanceof StoreError && error.code === 'STORE-UNREADABLE') return { bad: at }
      throw error
    }
  }
  if (state.hole === true) return { bad: state.head.next }
  // The record of the stream says what its last closed segment was.
  const isOther = before !== undefined && state.open.body.length === 0 && state.standing?.type !== 'forked' && !equalBytes(state.open.previous, before.id)
  return isOther ? { bad: before?.first ?? 0 } : { next: undefined }
}

/** First offset of the first segment that is not what was sealed; `undefined` when all can be read. */
export const firstUnreadable = async (disk: Disk, stream: StreamId): Promise<Offset | undefined> => (await checkPieces(disk, stream, 0, Infinity)).bad
