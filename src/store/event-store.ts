import type { Lamport, NodeId, Offset, StreamId, SwarmId } from '../core/ids.ts'
import type { OffsetMap } from '../core/offset-map.ts'
import type { Sealed } from '../stream/header.ts'
import type { StartPlace } from '../stream/swarm.ts'

/** Newest state of a stream. */
export interface Head {
  /** Offset that the next event gets; equals the stream's length. */
  readonly next: Offset
  /** Lamport time of the last event; 0 before the first. */
  readonly lamport: Lamport
  /** Header id of all held of the open segment; where that is empty, of the segment before it (zeros: none). 32 bytes. */
  readonly headerId: Uint8Array
}

/** A head, and which of the stream's offsets lie where. */
export interface HeldHead extends Head {
  /** First offset that may be held; of a branch the fork, with which it begins. */
  readonly start: Offset
  /** First offset of the open segment: what lies before it is closed. */
  readonly openFirst: Offset
  /** Whether the stream ends at a fork, and its branches go on. */
  readonly ended: boolean
}

/** A stream as it lies on disk, read in one transaction. */
export interface StreamState {
  readonly stream: StreamId
  /** Raised by every change of the stream's record; an append is refused when it is another by then. 0: there is no record. */
  readonly revision: number
  readonly head: Head
  readonly open: OpenSegment
  readonly start: Start | undefined
  readonly branch: Branch | undefined
  readonly standing: Standing | undefined
  /** Records lie beyond the head that do not follow it: a power cut lost something between. `lower` to `head.next` sets them aside; an own stream takes no append before. */
  readonly hole?: true
}

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

/** First offset still held of a stream, said and signed by its owner. */
export interface Start extends StartPlace {
  readonly signature: Uint8Array
}

/**
 * Why a stream takes no more events here.
 * `retired`: a former own stream, never written by this node again (it still grows by replication).
 * `forked`: ends at `end`, the first offset in which the known versions differ. `chain` is that over its lines up to there, and its branches have the same;
 * `undefined` where an earlier version of the program ended it, which made no branches.
 */
export type Standing =
  | { readonly type: 'retired'; readonly reason: string; readonly atMicros: number }
  | { readonly type: 'forked'; readonly end: Offset; readonly chain: Uint8Array | undefined; readonly atMicros: number }

/** Where a branch begins. It holds the segment in which that lies whole, sealed, and shows offsets from the fork on. @see FORMAT.md [F37] */
export interface Branch {
  readonly fork: Offset
  /** Chain over all lines before the fork. */
  readonly chain: Uint8Array
  /** Its first segment: first offset, header id and last Lamport time before it. */
  readonly first: Offset
  readonly previous: Uint8Array
  readonly lamportBefore: Lamport
}

/** A closed segment as it lies on disk and travels. */
export interface ClosedSegment {
  readonly first: Offset
  readonly events: number
  readonly firstLamport: Lamport
  readonly lastLamport: Lamport
  readonly sealed: Sealed
  readonly headerId: Uint8Array
  /** Deflated, byte for byte as its author made it. */
  readonly deflated: Uint8Array
  /** Entry for the packed summaries, made by `summarise` of `stream/summary.ts`. */
  readonly summary: Uint8Array
}

/** The lines of one append to the open segment, with header and seal over the open segment up to here. */
export interface TailAppend {
  /** Offset of the first event among `lines`. */
  readonly first: Offset
  /** Events among `lines`. */
  readonly events: number
  readonly lastLamport: Lamport
  readonly lines: Uint8Array
  readonly sealed: Sealed
  readonly headerId: Uint8Array
}

/** One stream's part of a transaction. */
export interface StreamAppend {
  readonly stream: StreamId
  /** As read in the `StreamState` that this was computed on. */
  readonly revision: number
  /** `head.next` of that state. */
  readonly next: Offset
  /** Closed segments in order. The first begins at `open.first` of that state and covers all that was open. */
  readonly closed: readonly ClosedSegment[]
  /** What then follows in the open segment. */
  readonly tail: TailAppend | undefined
}

export type AppendResult =
  /**
   * Stored, and durable if it was `own` (or the clock rule asked for it). `clock` is the clock after it. Each stream is what it was with its pieces added, its revision
   * raised by 1 where one was closed; but for those in `further`, where segments left beyond a hole count again: read these.
   */
  | { readonly type: 'stored'; readonly clock: Lamport; readonly further?: readonly StreamId[] }
  /** Nothing was stored: `stream` is no longer what the append was computed on. Read it again. */
  | { readonly type: 'stale'; readonly stream: StreamId }
  /** Nothing was stored: the clock has reached the first Lamport time. Seal again above `clock`. */
  | { readonly type: 'overtaken'; readonly clock: Lamport }

/** A piece of a stream that contains a given offset, read together with the stream's state. */
export type Piece =
  | { readonly type: 'closed'; readonly first: Offset; readonly sealed: Sealed; readonly deflated: Uint8Array }
  /** All that is held of the open segment. */
  | { readonly type: 'open'; readonly first: Offset; readonly sealed: Sealed; readonly body: Uint8Array }

/** A node's key pair with the swarm it is for. `privateKey` is stored by structured clone and never readable. */
export interface Identity {
  readonly nodeId: NodeId
  readonly publicKey: Uint8Array
  readonly privateKey: CryptoKeyLike
}

/** A `CryptoKey`, opaque to the store. */
export type CryptoKeyLike = object

export interface StoredIdentity {
  readonly identity: Identity
  /** Node ids that this database had before, oldest first. */
  readonly former: readonly NodeId[]
}

/**
 * Durable streams of one node in one swarm. All tabs of a profile share what is on disk; each tab has a store object of its own.
 *
 * Contract: every rule is a test of `test/contract/event-store.contract.ts`.
 *
 * - [S1] What `append` stored is in every later read, of this object and of any other on the same disk; what it refused is in none.
 * - [S2] `append` is a compare-and-set: `stale` unless every stream has the revision given and ends at `next`.
 * - [S3] An append with several streams, closed segments and a tail is stored whole or not at all.
 * - [S4] An own append is durable (strict) when it resolves.
 * - [S5] `overtaken` only when `overtakable` and the clock has reached the first Lamport time; never otherwise.
 * - [S6] The clock never falls; it is at least the own head's last Lamport time; replicated appends write it.
 * - [S7] A replicated append that would leave the clock 1,000 or more above the last complete strict transaction of this object is strict, and so is the first one.
 * - [S8] After `flush` everything stored before it was called is durable.
 * - [S9] Closing: the closed segments come out byte for byte; nothing of the tail they cover stays; the revision rises.
 * - [S10] An open append does not raise the revision; joining does, and changes nothing that can be read.
 * - [S11] A head counts the unbroken run of appends from the open segment's first offset; what lies beyond a hole is neither in the head nor in a piece.
 * - [S12] `piece` gives the piece that contains the offset, from the same transaction as the head; `undefined` at and beyond the head and below the start.
 * - [S13] Summaries never miss a closed segment, in the order of closing for each stream; but a page that cannot be read is left out, for whoever finds no summary reads the segment.
 * - [S14] `lower` sets the head back and moves what lay in the tail from there on to `aside`; closed segments beyond stay, count again when the chain reaches them,
 *   and move to `aside` when others take their place; nothing is thrown away; the revision rises. A replicated append to a stream with a hole does so by itself
 *   and is `stale`, an own one rejects with `STORE-UNREADABLE`.
 * - [S15] `createIdentity` stores one only if there is none, with its empty stream 0; both callers of a race get the same.
 * - [S16] `changeIdentity` does nothing unless the identity is still the one given; it notes the former id, retires its streams and raises the clock to the old head's last Lamport time.
 *   With none given it does so where the identity cannot be read, for all ids that this database had.
 * - [S17] A retired stream refuses own appends; a stream that ended takes nothing beyond its end. Both are `stale`: read the stream's standing.
 * - [S18] Quota exceeded rejects with `STORE-QUOTA`, a record that cannot be read or is missing below the head with `STORE-UNREADABLE`, use after close with `STORE-CLOSED`;
 *   nothing acknowledged is lost by it, and nothing else harmed.
 * - [S19] `putMeta` with a condition stores only when the condition holds in the same transaction.
 * - [S20] `local` keeps bytes by layer and key, reads ranges in key order (half-open), and layers do not see each other.
 * - [S21] `close` waits for what is under way, may be called twice, and what was stored is there when opened again.
 * - [S22] Two store objects on one disk that append to one stream at once: exactly one is stored, the other is `stale`.
 * - [S23] `fork` ends a stream: what lies before the end stays; what it held from there on, its own end included, goes on as the branch `rest`; the branches `added` begin.
 *   Each holds its first segment whole, and its head, reads and summaries begin at the fork. All or nothing; not where the stream has another revision.
 *   At its end already, a stream only gets the branches, and the lines before it where they were lost. A branch that is there is not overwritten.
 * - [S26] `fork` moves the branches `removed` to `aside` whole; nothing is thrown away.
 * - [S27] `family` gives the record of a stream, as of an empty one where there is none, and those of all its branches, and of no other stream.
 * - [S28] `begin` gives a stream its start only where nothing of it is held; then it can be appended to from there on, as if all before were held.
 * - [S24] A connection that breaks from outside is told once to each listener; calls under way and later ones reject with `STORE-LOST`, and whether the former were stored is seen by reading.
 * - [S25] Values are copied in and out; a `CryptoKey` is kept as it is.
 */
export interface EventStore {
  readonly swarm: SwarmId

  // identity
  readonly identity: () => Promise<StoredIdentity | undefined>
  readonly createIdentity: (identity: Identity) => Promise<StoredIdentity>
  /** @returns the identity after it: `next`, or another if it was changed before. */
  readonly changeIdentity: (shown: NodeId | undefined, next: Identity, reason: string, atMicros: number) => Promise<StoredIdentity>

  // streams
  /** `undefined` when there is neither a record nor an event. */
  readonly state: (stream: StreamId) => Promise<StreamState | undefined>
  /** Heads of all streams that hold an event, read in one transaction. */
  readonly heads: () => Promise<ReadonlyMap<StreamId, HeldHead>>
  /** `heads` as highest offsets. */
  readonly present: () => Promise<OffsetMap>
  /** Records of all streams without their bodies, former own and ended ones included. */
  readonly records: () => Promise<readonly StreamRecord[]>
  /** That of a stream (without branch), though there may be none yet, then those of its branches. */
  readonly family: (stream: StreamId) => Promise<readonly StreamRecord[]>
  /**
   * Adds to the own stream, strict.
   * @param overtakable whether `overtaken` is a possible result: true for the first try of a group, false from then on.
   */
  readonly appendOwn: (append: StreamAppend, firstLamport: Lamport, overtakable: boolean) => Promise<AppendResult>
  /** Adds to streams of others, relaxed where the clock rule allows it. `clockTo`: the clock becomes at least this. At most 1 MiB. */
  readonly appendReplicated: (appends: readonly StreamAppend[], clockTo: Lamport) => Promise<AppendResult>
  /** A stream begins at a start instead of offset 0, strict. @returns whether it was done: not where anything of the stream is held, its start included */
  readonly begin: (stream: StreamId, start: Start) => Promise<boolean>
  readonly piece: (stream: StreamId, offset: Offset) => Promise<Piece | undefined>
  /**
   * The packed summaries of all closed segments, pages in order. Decoded by `stream/summary.ts`. After `lower` a later entry of a stream holds for the offsets
   * of an earlier one; entries at or above `open.first` do not count. All pages but the last one are as they will be for ever.
   * @param from the first page wanted; default: 0
   */
  readonly summaries: (from?: number) => Promise<readonly Uint8Array[]>
  /** Adds summaries that are missing or not what they should be: of two for the same offsets the later one counts. */
  readonly addSummaries: (entries: readonly Uint8Array[]) => Promise<void>
  /** Joins the tail's appends to fewer records if there are 16 or more that are not joined. @returns whether it did, and has raised the revision by 1 */
  readonly joinTail: (stream: StreamId) => Promise<boolean>
  /**
   * Sets the head back to `first`, because what follows cannot be read or does not fit. Where nothing begins at `first`, to the nearest beginning before it:
   * of an append in the tail, else of a closed segment, else the start.
   * @returns the state after it
   */
  readonly lower: (stream: StreamId, first: Offset, reason: string, atMicros: number) => Promise<StreamState | undefined>
  /** The stream ends where two versions of it differ, and its branches begin. @returns whether it was done; not where the stream has another revision by now: read it again */
  readonly fork: (change: ForkChange) => Promise<boolean>

  // clock
  readonly clock: () => Promise<Lamport>
  /** Adds to the clock, durably. @returns the clock after it */
  readonly raiseClock: (by: number) => Promise<Lamport>
  /** The clock becomes at least `to`, durably. */
  readonly raiseClockTo: (to: Lamport) => Promise<Lamport>
  /** A small strict transaction: what was stored before it was called is durable when it resolves. */
  readonly flush: () => Promise<void>

  // what else a node keeps
  readonly getMeta: (name: string) => Promise<unknown>
  /** Structured-clonable values by name. With `unless`, stores only if the number at that name is not above `unless.atMost`. @returns whether it stored */
  readonly putMeta: (name: string, value: unknown, unless?: { readonly name: string; readonly atMost: number }) => Promise<boolean>
  /** Names and values whose name begins with `prefix`, in name order; what cannot be read is left out. */
  readonly listMeta: (prefix: string) => Promise<readonly (readonly [string, unknown])[]>
  readonly deleteMeta: (name: string) => Promise<void>
  /** Adds 1 to the number at `name` (0 if none), durably. @returns the new number */
  readonly incrementMeta: (name: string) => Promise<number>
  readonly putAside: (kind: string, id: string, value: unknown) => Promise<void>
  readonly getAside: (kind: string, id: string) => Promise<unknown>
  /** The store's own kinds: `tail` and `segment` (packed records with the reason). */
  readonly deleteAside: (kind: string, id: string) => Promise<void>
  readonly listAside: (kind: string) => Promise<readonly (readonly [string, unknown])[]>
  /** Appends of a stream that `lower` has set aside from the tail, in order of offset. */
  readonly setAsideAppends: (stream: StreamId) => Promise<readonly TailAppend[]>
  /** What a fork has set aside, in order of stream and offset: an earlier version of the program made no branches of it. */
  readonly setAsideByForks: () => Promise<readonly SetAside[]>
  readonly local: LocalBytes

  /** Calls once if the database connection is lost from outside (closed by the browser, deleted, upgraded elsewhere). */
  readonly onLost: (lost: (error: Error) => void) => () => void
  readonly close: () => Promise<void>
}

export interface StreamRecord {
  readonly stream: StreamId
  readonly revision: number
  /** First offset of the open segment. */
  readonly openFirst: Offset
  readonly start: Start | undefined
  readonly branch: Branch | undefined
  readonly standing: Standing | undefined
  /** What its closed segments take on disk, deflated; those that lie beyond a hole or were replaced included. */
  readonly closedBytes: number
}

/** Why a branch was set aside that has given way to another. */
export const NO_PLACE = 'no place for a further branch'

/** Where a stream forks, and what becomes of what lies there. */
export interface ForkChange {
  readonly stream: StreamId
  /** As read in the `StreamState` that this was computed on. */
  readonly revision: number
  /** First offset of the first batch that differs. */
  readonly end: Offset
  /** Over the lines up to `end`. */
  readonly chain: Uint8Array
  /** The segment in which the versions differ: first offset, header id and last Lamport time before it. */
  readonly segment: Pick<Branch, 'first' | 'previous' | 'lamportBefore'>
  /** The lines of that segment up to `end`; `undefined` where there are none. Its seal is that of a version and covers more. */
  readonly kept: TailAppend | undefined
  /** Name of the branch in which that goes on which the stream has from `end` on; `undefined` where it has nothing there. */
  readonly rest: StreamId | undefined
  readonly added: readonly BranchBeginning[]
  /** Branches for which there is no place any more, with all that branches off them. */
  readonly removed: readonly StreamId[]
  /** The clock becomes at least this. */
  readonly clockTo: Lamport
  readonly atMicros: number
}

/** A branch with its first segment. */
export type BranchBeginning =
  | { readonly stream: StreamId; readonly closed: ClosedSegment; readonly tail?: never }
  | { readonly stream: StreamId; readonly tail: TailAppend; readonly closed?: never }

/** Lines, or a closed segment, that were set aside. Kind and id are those of `deleteAside`. */
export interface SetAside {
  readonly kind: 'tail' | 'segment'
  readonly id: string
  readonly stream: StreamId
  readonly first: Offset
  readonly sealed: Sealed
  /** Of a segment deflated. */
  readonly body: Uint8Array
}

/** Bytes that a layer above keeps on this node; not replicated. Keys are compared as strings by `<`. */
export interface LocalBytes {
  readonly get: (layer: string, key: string) => Promise<Uint8Array | undefined>
  readonly put: (layer: string, entries: readonly (readonly [string, Uint8Array])[]) => Promise<void>
  readonly delete: (layer: string, keys: readonly string[]) => Promise<void>
  /** From `from` (included) to `to` (excluded). */
  readonly range: (layer: string, from: string, to: string) => Promise<readonly (readonly [string, Uint8Array])[]>
}
