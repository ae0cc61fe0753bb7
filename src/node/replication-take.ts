import { equalBytes } from '../core/bytes.ts'
import { streamIdToNodeId, type Offset, type StreamId } from '../core/ids.ts'
import type { SaidStart, SegmentMessage } from '../protocol/message.ts'
import type { StartOutcome, TakeOutcome } from '../protocol/plan-state.ts'
import { StoreError } from '../store/errors.ts'
import type { AppendResult, StreamState } from '../store/event-store.ts'
import { decodeHeader, type Header } from '../stream/header.ts'
import { emptyBase, grown, type StreamPieces } from '../stream/segment.ts'
import { checkHeader, holdsSeal, holdsStart, verifyPiece, verifyWhole, type PieceVerdict, type ReceivedPiece } from '../stream/verify.ts'
import { faultToOutcome, wholeToVersion } from './fork-version.ts'
import type { Forks, ForksContext } from './replication-forks.ts'
import { Appender, bytesOf } from './replication-append.ts'
import { heldSegment, viewOfState } from './replication-reads.ts'

export interface TakerContext extends ForksContext {
  readonly forks: Forks
  /** Absent: what the disk holds is its only bound. */
  readonly room?: ReplicationRoom
  /** Something of a stream was lost on this disk, from that offset on. */
  readonly hole: (stream: StreamId, first: Offset) => void
}

/** What is left of the quota for events of others. */
export interface ReplicationRoom {
  /** Never waits. */
  readonly hasRoom: () => boolean
  /** So many bytes of others were stored. */
  readonly stored: (bytes: number) => void
  /** The disk was full. @returns whether room was made for own events */
  readonly refused: () => Promise<boolean>
}

type Appendable = Extract<PieceVerdict, { readonly type: 'append' }>

/** Each may hold 64 KiB. */
const KNOWN_COUNT_MAX = 64
/** How often an append that came too late is tried again: each time another writer got ahead. */
const TRY_COUNT_MAX = 100

/** Verifies pieces from peers and stores the good ones. One call at a time for each stream. */
export class Taker {
  readonly #context: TakerContext
  readonly #appender: Appender
  /** Streams as they were left by the last append here: the next one tells whether they are still so. */
  readonly #known = new Map<StreamId, StreamState>()

  constructor(context: TakerContext) {
    this.#context = context
    this.#appender = new Appender(context)
  }

  /** Never rejects for what the piece is, nor for a disk that is full. */
  async take({ stream, header, seal, from, body }: SegmentMessage): Promise<TakeOutcome> {
    const piece: ReceivedPiece = { stream, sealed: { header, seal }, firstLine: from, body }
    try {
      return streamIdToNodeId(stream) === this.#context.nodeId ? await this.#takeOwn(piece) : await this.#takeOthers(piece)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (error.code !== 'STORE-QUOTA') return { type: 'failed', text: error.message }
      return (await this.#context.room?.refused()) === true ? nearlyFull : { type: 'full', code: error.code, text: error.message }
    }
  }

  /** A sealed header of the own key for anything that is not on this disk says that the stream was written elsewhere. @see PROTOCOL.md [R42] */
  async #takeOwn(piece: ReceivedPiece): Promise<TakeOutcome> {
    const { crypto, swarm } = this.#context
    const checked = checkHeader(swarm, piece)
    if (!checked.ok) return faultToOutcome(checked.error)
    if (!(await holdsSeal(crypto, piece.stream, piece.sealed))) return { type: 'bad', text: 'seal' }
    return (await this.#isOnDisk(checked.value, piece.sealed.header)) ? { type: 'known' } : { type: 'mine' }
  }

  async #isOnDisk(header: Header, bytes: Uint8Array): Promise<boolean> {
    const { store, crypto } = this.#context
    const piece = await store.piece(header.stream, header.first)
    if (piece?.first !== header.first) return false
    if (equalBytes(piece.sealed.header, bytes)) return true
    const held = await heldSegment(crypto, header.stream, piece)
    if (header.closed || header.bodyBytes > held.body.length || !equalBytes(header.previous, held.header.previous)) return false
    return equalBytes(await crypto.sha256(held.body.subarray(0, header.bodyBytes)), header.bodyHash)
  }

  /** Begins a stream of which nothing is held at a start that its owner signed. @see PROTOCOL.md [R40] */
  async takeStart({ stream, ...start }: SaidStart): Promise<StartOutcome> {
    const { store, crypto, swarm, nodeId } = this.#context
    if (!(await holdsStart(crypto, swarm, stream, start))) return { type: 'bad', text: 'the start is not signed by its owner' }
    // This program makes none.
    if (streamIdToNodeId(stream) === nodeId) return { type: 'mine' }
    await store.begin(stream, start)
    const state = await store.state(stream)
    return state === undefined ? { type: 'known' } : { type: 'stored', view: viewOfState(state) }
  }

  async #takeOthers(piece: ReceivedPiece): Promise<TakeOutcome> {
    const { store, crypto, swarm } = this.#context
    for (let tries = 0; tries < TRY_COUNT_MAX; tries++) {
      const known = this.#known.get(piece.stream)
      this.#known.delete(piece.stream)
      const state = known ?? (await store.state(piece.stream))
      // A branch begins with the proof of its fork.
      if (state?.branch === undefined && piece.stream.includes('~')) return { type: 'beyond' }
      // The append sets aside by itself what lies beyond.
      if (state?.hole === true) this.#context.hole(piece.stream, state.head.next)
      const verdict = await verifyPiece(crypto, swarm, state ?? emptyBase(piece.stream), piece)
      // Only an append finds out whether the stream is still what it is known as.
      if (known !== undefined && verdict.type !== 'append') continue
      const outcome = verdict.type === 'append' ? await this.#append(verdict, state) : await this.#judge(verdict, piece)
      if (outcome !== 'stale') return outcome
    }
    return { type: 'failed', text: `${piece.stream} changes too fast to be appended to` }
  }

  /** @see PROTOCOL.md [R36] */
  async #append({ pieces, lamports }: Appendable, state: StreamState | undefined): Promise<TakeOutcome | 'stale'> {
    const { forks, room } = this.#context
    const { stream, closed, tail } = pieces
    const last = closed.at(-1)
    if (state?.standing?.type === 'forked' && (tail !== undefined || last === undefined || last.first + last.events > state.standing.end)) return { type: 'known' }
    if (room?.hasRoom() === false) return nearlyFull
    const result = await this.#appender.append(pieces, lamports)
    if (result.type !== 'stored') return 'stale'
    room?.stored(bytesOf(pieces))
    const after = await this.#after(pieces, state, result)
    if (after === undefined) return 'stale'
    this.#remember(after)
    const fork = await forks.early(stream, after.head.next)
    return fork === undefined ? { type: 'stored', view: viewOfState(after) } : { type: 'forked', fork }
  }

  /** The stream after an append. It is read only where that cannot be known. */
  async #after(pieces: StreamPieces, state: StreamState | undefined, result: Extract<AppendResult, { type: 'stored' }>): Promise<StreamState | undefined> {
    const { store } = this.#context
    const { stream, tail } = pieces
    const joined = tail !== undefined && (await store.joinTail(stream))
    if (state === undefined || result.further !== undefined) return store.state(stream)
    const after = grown(state, pieces)
    return joined ? { ...after, revision: after.revision + 1 } : after
  }

  #remember(state: StreamState): void {
    const [oldest] = this.#known.keys()
    if (oldest !== undefined && this.#known.size >= KNOWN_COUNT_MAX) this.#known.delete(oldest)
    this.#known.set(state.stream, state)
  }

  async #judge(verdict: Exclude<PieceVerdict, Appendable>, piece: ReceivedPiece): Promise<TakeOutcome> {
    switch (verdict.type) {
      case 'held': return { type: 'known' }
      case 'misfit': return verdict.why === 'before' ? this.#compareClosed(verdict.header, piece) : { type: ({ beyond: 'beyond', previous: 'conflict', part: 'part' } as const)[verdict.why] }
      case 'shorter': case 'differs': return this.#context.forks.judge(wholeToVersion(verdict.whole, piece.sealed, piece.body))
      default: return faultToOutcome(verdict)
    }
  }

  /** A piece that begins before the open segment: it lies beside a closed one. */
  async #compareClosed(header: Header, piece: ReceivedPiece): Promise<TakeOutcome> {
    const { store, crypto, swarm, forks } = this.#context
    const own = await store.piece(piece.stream, header.first)
    if (own === undefined || equalBytes(own.sealed.header, piece.sealed.header)) return { type: 'known' }
    const held = decodeHeader(own.sealed.header)
    if (own.first !== header.first || !held.ok || !equalBytes(held.value.previous, header.previous)) return { type: 'conflict' }
    if (piece.firstLine !== header.first) return { type: 'part' }
    const whole = await verifyWhole(crypto, swarm, piece, 0)
    return whole.ok ? forks.judge(wholeToVersion(whole.value, piece.sealed, piece.body)) : faultToOutcome(whole.error)
  }
}

const nearlyFull: TakeOutcome = { type: 'full', code: 'STORE-NEARLY-FULL', text: 'what room is left is kept for own entries; those of others are not taken' }
