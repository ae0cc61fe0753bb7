import type { NodeId, Offset, StreamId } from '../core/ids.ts'
import { streamIdToNodeId } from '../core/ids.ts'
import { REPORTED_MAX } from './limits.ts'
import type { ByeReason, EndReason, ForkMessage, Have, Message, Place, SaidFork, SaidHead, SegmentMessage, SaidStart, End, Want, WantFork, WholeSegment } from './message.ts'

/** Names a session to the plan; never used again. */
export type SessionId = number

/** What of a stream lies on the own disk. */
export interface StreamView {
  readonly next: Offset
  /** Header id of the head, 32 bytes. */
  readonly headerId: Uint8Array
  /** The open segment's beginning. */
  readonly first: Offset
  readonly previous: Uint8Array
  /** First offset that is shown: a head at or below it says nothing. */
  readonly start: Offset
  /** Whether the stream ends here, at a fork, and all before it is held. */
  readonly ended: boolean
}

export const noView: StreamView = { next: 0, headerId: new Uint8Array(32), first: 0, previous: new Uint8Array(32), start: 0, ended: false }

/** One node's view over all its sessions. */
export interface PlanState {
  readonly nodeId: NodeId
  readonly views: ReadonlyMap<StreamId, StreamView>
  /** The views that are durable, once some are. */
  readonly durable: ReadonlyMap<StreamId, StreamView> | undefined
  /** The views that a flush under way makes durable. */
  readonly flushing: ReadonlyMap<StreamId, StreamView> | undefined
  readonly lastFlushMs: number
  /** Since when a flush that is due waits for pushes. */
  readonly heldSinceMs: number | undefined
  /** The fork with which each stream ends that has one. */
  readonly forks: ReadonlyMap<StreamId, SaidFork>
  readonly peers: ReadonlyMap<SessionId, PeerView>
  /** Pieces in flight and waiting, of streams that have any. */
  readonly intake: ReadonlyMap<StreamId, Intake>
  /** Streams of which some peer may have more or other, and was not asked for it yet. */
  readonly lacking: ReadonlySet<StreamId>
  /** When a long list of them was last looked through. */
  readonly lastLookMs: number
  /** Reads for pushes under way: stream and offset. */
  readonly pushReads: ReadonlySet<string>
  /** The last header of a stream refused for its author's fault, as hexadecimal digits; of the newest `REPORTED_MAX` streams. */
  readonly refused: ReadonlyMap<StreamId, string>
  /** Nothing is asked for before this, because there was no room. */
  readonly fullUntilMs: number
  /** With whom each node says that it is connected, as far as known. */
  readonly links: ReadonlyMap<NodeId, ReadonlySet<NodeId>>
  /** What was reported once. */
  readonly reported: ReadonlySet<string>
}

export interface PeerView {
  readonly nodeId: NodeId
  /** Whether its first `have` is whole. */
  readonly ready: boolean
  readonly silent: boolean
  readonly notBeforeMs: number
  /** As it said in this session. */
  readonly heads: ReadonlyMap<StreamId, SaidHead>
  /** Offsets that its pushes showed beyond its heads. */
  readonly shown: ReadonlyMap<StreamId, Offset>
  /** Of how many of those streams nothing is held. */
  readonly unheld: number
  /** Forks that it said in this session. */
  readonly knows: ReadonlyMap<StreamId, SaidFork>
  /** Those of them that it is still to be asked for. */
  readonly forks: ReadonlyMap<StreamId, SaidFork>
  /** Streams of which it holds nothing before a start, and which one that was. */
  readonly starts: ReadonlyMap<StreamId, SaidStart>
  /** Proofs that it sent: the first is being judged. */
  readonly proofs: readonly ForkMessage[]
  // what it is asked
  readonly open: ReadonlyMap<number, OpenWant>
  readonly nextWant: number
  /** Wants that changed nothing, by stream; forgotten when its head or the own one changes. */
  readonly spent: ReadonlyMap<StreamId, ReadonlySet<string>>
  /** How many wants for a stream brought nothing, since one did: others are asked first. */
  readonly fruitless: ReadonlyMap<StreamId, number>
  /** Streams that are asked for whole from the open segment's first offset. */
  readonly whole: ReadonlySet<StreamId>
  /** Where to ask in streams in which one goes back. `undefined` while the place is being looked up. */
  readonly back: ReadonlyMap<StreamId, Place | undefined>
  // what it asks
  readonly answers: readonly Answer[]
  readonly reading: boolean
  readonly lastWant: number
  // what it is told and sent
  readonly told: ReadonlyMap<StreamId, StreamView>
  /** The durable views that `told` was last compared with; `undefined` before the first `have`. */
  readonly toldOf: ReadonlyMap<StreamId, StreamView> | undefined
  readonly toldForks: ReadonlyMap<StreamId, SaidFork>
  readonly lastHaveMs: number
  readonly sent: ReadonlyMap<StreamId, Sent>
}

/** A want that the peer has not ended, or whose pieces are not all taken. */
export interface OpenWant {
  readonly stream: StreamId
  readonly target: { readonly type: 'piece'; readonly place: Place } | { readonly type: 'fork'; readonly fork: SaidFork }
  /** The own head when it was sent. */
  readonly view: StreamView
  readonly bytes: number
  readonly progressMs: number
  readonly ended: EndReason | undefined
}

/** A want of the peer that waits for its answer. */
export interface Answer {
  readonly id: number
  readonly stream: StreamId
  readonly target: { readonly type: 'piece'; readonly place: Place } | { readonly type: 'fork'; readonly first: Offset; readonly end: Offset }
  readonly budgetBytes: number
}

/** What was sent to a peer of an own stream, or passed on of another's, apart from what it acknowledged. */
export interface Sent {
  readonly next: Offset
  /** Whether new events are pushed: it has, or has been sent, all before. */
  readonly live: boolean
  /** Not covered by its `have` yet: offset after, bytes. */
  readonly uncovered: readonly { readonly next: Offset; readonly bytes: number }[]
}

/** A piece from a peer, to be verified and stored. */
export interface TakenPiece {
  readonly session: SessionId
  /** 0: pushed. */
  readonly want: number
  readonly segment: SegmentMessage
  /** The pushes that were joined to this one; they are verified one by one if it fails. */
  readonly parts: readonly TakenPiece[]
}

export interface Intake {
  readonly running: TakenPiece | undefined
  readonly waiting: readonly TakenPiece[]
  /** How many at the front are not to be joined. */
  readonly single: number
}

/** Two sealed versions of one segment that cannot both go on. */
export interface FoundFork {
  /** The stream, or the branch, in which they go apart. */
  readonly stream: StreamId
  /** First batch in which they differ; `shorter`: where the closed one ends. */
  readonly end: Offset
  /** `differs`: neither is a prefix of the other. `shorter`: `one` is closed and a proper prefix of `other`, so it counts. */
  readonly type: 'differs' | 'shorter'
  readonly one: WholeSegment
  readonly other: WholeSegment
}

/** What became of a piece. */
export type TakeOutcome =
  | { readonly type: 'stored'; readonly view: StreamView }
  /** Nothing new. */
  | { readonly type: 'known' }
  /** It begins beyond what is held. */
  | { readonly type: 'beyond' }
  /** Its part does not fit the beginning that is held. */
  | { readonly type: 'part' }
  /** It rests on another segment before. */
  | { readonly type: 'conflict' }
  /** The sender's fault. */
  | { readonly type: 'bad'; readonly text: string }
  /** The author's fault. */
  | { readonly type: 'refused'; readonly text: string }
  | { readonly type: 'newer' }
  /** A version for which there is no place: as many branches with smaller names are kept as may be. */
  | { readonly type: 'crowded' }
  /** The disk is full, or what is left of it is kept for own events. */
  | { readonly type: 'full'; readonly code: 'STORE-QUOTA' | 'STORE-NEARLY-FULL'; readonly text: string }
  | { readonly type: 'failed'; readonly text: string }
  /** A sealed header of the own key for something that is not held. */
  | { readonly type: 'mine' }
  | { readonly type: 'forked'; readonly fork: FoundFork }
  /** The own version is closed and a proper prefix of the peer's: it is told. */
  | { readonly type: 'shorter'; readonly proof: ForkMessage }

/** What became of a start. */
export type StartOutcome = Extract<TakeOutcome, { readonly type: 'stored' | 'known' | 'bad' | 'failed' | 'mine' }>

/** What a read for a want or a push gave. */
export type ReadResult =
  | { readonly type: 'segment'; readonly header: Uint8Array; readonly seal: Uint8Array; readonly from: Offset; readonly body: Uint8Array; readonly after: Place }
  | { readonly type: 'end'; readonly reason: EndReason; readonly start?: SaidStart }
  | { readonly type: 'failed'; readonly text: string }

type At<T> = T & { readonly nowMs: number }

export type PlanInput = At<
  | { readonly type: 'up'; readonly session: SessionId; readonly nodeId: NodeId }
  | { readonly type: 'down'; readonly session: SessionId }
  | { readonly type: 'silent'; readonly session: SessionId; readonly silent: boolean }
  | { readonly type: 'said'; readonly session: SessionId; readonly have: Have }
  | { readonly type: 'asked'; readonly session: SessionId; readonly want: Want | WantFork }
  | { readonly type: 'came'; readonly session: SessionId; readonly segment: SegmentMessage }
  | { readonly type: 'ended'; readonly session: SessionId; readonly end: End }
  | { readonly type: 'forkCame'; readonly session: SessionId; readonly fork: ForkMessage }
  /** Result of `take`, in the order of the effects. */
  | { readonly type: 'taken'; readonly piece: TakenPiece; readonly outcome: TakeOutcome }
  /** Result of `takeFork`: as for a piece. */
  | { readonly type: 'forkTaken'; readonly session: SessionId; readonly stream: StreamId | undefined; readonly outcome: TakeOutcome }
  /** Result of `takeStart`: as for a piece. */
  | { readonly type: 'startTaken'; readonly session: SessionId; readonly stream: StreamId; readonly outcome: StartOutcome }
  /** A proof that waited for its stream applies now. */
  | { readonly type: 'forkFound'; readonly fork: FoundFork }
  /** Result of `settleFork`: `streams` are otherwise on disk, `forks` are all of their family. */
  | { readonly type: 'forkSettled'; readonly stream: StreamId; readonly streams: readonly StreamId[]; readonly forks: readonly SaidFork[] }
  /** Result of `findPlace`. `undefined`: there is no segment before. */
  | { readonly type: 'placed'; readonly session: SessionId; readonly stream: StreamId; readonly place: Place | undefined }
  | { readonly type: 'wantRead'; readonly session: SessionId; readonly id: number; readonly result: ReadResult }
  | { readonly type: 'forkRead'; readonly session: SessionId; readonly id: number; readonly proofs: readonly ForkMessage[] }
  | { readonly type: 'pushRead'; readonly stream: StreamId; readonly next: Offset; readonly result: ReadResult }
  /** The own disk is otherwise than the plan knew: own events, another tab, a lowered head. */
  | { readonly type: 'grown'; readonly views: ReadonlyMap<StreamId, StreamView> }
  | { readonly type: 'flushed'; readonly done: boolean }
  /** Connections between nodes are known otherwise. */
  | { readonly type: 'linked'; readonly links: PlanState['links'] }
  | { readonly type: 'tick' }
>

export type PlanEffect =
  | { readonly type: 'send'; readonly session: SessionId; readonly message: Message }
  | { readonly type: 'end'; readonly session: SessionId; readonly reason: ByeReason; readonly text: string }
  /** A message of the peer was of no use: it counts against what it may say. @see PROTOCOL.md [R14] */
  | { readonly type: 'wasted'; readonly session: SessionId }
  /** Verify and store; one at a time for each stream. */
  | { readonly type: 'take'; readonly piece: TakenPiece }
  | { readonly type: 'takeFork'; readonly session: SessionId; readonly fork: ForkMessage }
  /** Verify it, and begin a stream there of which nothing is held. */
  | { readonly type: 'takeStart'; readonly session: SessionId; readonly start: SaidStart }
  /** End the stream at the fork and begin its branches, or cut it back to the closed segment. All sessions that were told more have ended. */
  | { readonly type: 'settleFork'; readonly fork: FoundFork }
  /** Look up where to go on asking: the segment before the one that begins at `first`, or (`head`) the one in which a said head of the own stream ends, if it is another there. */
  | { readonly type: 'findPlace'; readonly session: SessionId; readonly stream: StreamId; readonly first: Offset; readonly head: SaidHead | undefined }
  /** Read the next piece for a want, when the connection has room. */
  | { readonly type: 'readWant'; readonly session: SessionId; readonly id: number; readonly stream: StreamId; readonly place: Place }
  | { readonly type: 'readFork'; readonly session: SessionId; readonly id: number; readonly stream: StreamId; readonly first: Offset; readonly end: Offset }
  | { readonly type: 'readPush'; readonly stream: StreamId; readonly next: Offset }
  /** Make durable what was stored before. */
  | { readonly type: 'flush' }
  /** The own stream was written elsewhere. */
  | { readonly type: 'identityLost' }
  /** Events of these streams are on disk that were not before. */
  | { readonly type: 'stored'; readonly stream: StreamId }
  /** What the peer said that it holds is otherwise. */
  | { readonly type: 'holdsChanged'; readonly session: SessionId }
  | { readonly type: 'notice'; readonly code: string; readonly about: StreamId | NodeId | undefined; readonly text: string }

export type PlanStep = readonly [PlanState, readonly PlanEffect[]]

/** @param views as on disk @param forks with which streams end */
export const planOf = (nodeId: NodeId, views: ReadonlyMap<StreamId, StreamView>, forks: ReadonlyMap<StreamId, SaidFork>): PlanState => ({
  nodeId, views, durable: undefined, flushing: undefined, lastFlushMs: -Infinity, heldSinceMs: undefined, forks, peers: new Map(), intake: new Map(), lacking: new Set(), lastLookMs: -Infinity,
  pushReads: new Set(), refused: new Map(), fullUntilMs: -Infinity, links: new Map(), reported: new Set(),
})

export const peerOf = (nodeId: NodeId): PeerView => ({
  nodeId, ready: false, silent: false, notBeforeMs: -Infinity, heads: new Map(), shown: new Map(), unheld: 0, knows: new Map(), forks: new Map(), starts: new Map(), proofs: [],
  open: new Map(), nextWant: 1, spent: new Map(), fruitless: new Map(), whole: new Set(), back: new Map(), answers: [], reading: false, lastWant: 0,
  told: new Map(), toldOf: undefined, toldForks: new Map(), lastHaveMs: -Infinity, sent: new Map(),
})

export const viewOf = (state: PlanState, stream: StreamId): StreamView => state.views.get(stream) ?? noView

/** Whether this node writes the stream. */
export const isOwn = (state: PlanState, stream: StreamId): boolean => streamIdToNodeId(stream) === state.nodeId

// changed copies

export const withEntry = <K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> => new Map(map).set(key, value)

export const without = <K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> => {
  if (!map.has(key)) return map
  const copy = new Map(map)
  copy.delete(key)
  return copy
}

export const withItem = <T>(set: ReadonlySet<T>, item: T): ReadonlySet<T> => (set.has(item) ? set : new Set(set).add(item))

export const withoutItem = <T>(set: ReadonlySet<T>, item: T): ReadonlySet<T> => {
  if (!set.has(item)) return set
  const copy = new Set(set)
  copy.delete(item)
  return copy
}

/** The state with one peer changed; as it is when there is no such session any more. */
export const changePeer = (state: PlanState, session: SessionId, change: (peer: PeerView) => Partial<PeerView>): PlanState => {
  const peer = state.peers.get(session)
  return peer === undefined ? state : { ...state, peers: withEntry(state.peers, session, { ...peer, ...change(peer) }) }
}

export const changePeers = (state: PlanState, change: (peer: PeerView, session: SessionId) => PeerView): PlanState => ({
  ...state, peers: new Map([...state.peers].map(([session, peer]) => [session, change(peer, session)])),
})

/** Effects of several steps, one after the other. */
export const chain = (step: PlanStep, ...next: readonly ((state: PlanState) => PlanStep)[]): PlanStep =>
  next.reduce<PlanStep>(([state, effects], run) => {
    const [after, more] = run(state)
    return [after, more.length === 0 ? effects : [...effects, ...more]]
  }, step)

/** Says something once for each `key`, of the newest ones. */
export const reportOnce = (state: PlanState, key: string, notice: Omit<Extract<PlanEffect, { type: 'notice' }>, 'type'>): PlanStep =>
  state.reported.has(key) ? [state, []] : [{ ...state, reported: remember(state.reported, key) }, [{ type: 'notice', ...notice }]]

/** The newest keys alone. */
export const remember = (reported: ReadonlySet<string>, key: string): ReadonlySet<string> => new Set([...reported, key].slice(-REPORTED_MAX))
