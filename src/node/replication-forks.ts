import { equalBytes, startsWithBytes } from '../core/bytes.ts'
import { streamIdToNodeId, type NodeId, type Offset, type StreamId, type SwarmId } from '../core/ids.ts'
import { advanceClock, clockAt } from '../core/lamport.ts'
import type { ForkMessage, SaidFork, WholeSegment as SaidSegment } from '../protocol/message.ts'
import type { FoundFork, TakeOutcome } from '../protocol/plan-state.ts'
import type { EventStore, ForkEnd, Piece, StreamState, TailAppend } from '../store/event-store.ts'
import { firstDifference } from '../stream/body.ts'
import { decodeHeader, encodeHeader, headerId, type Header, type Sealed } from '../stream/header.ts'
import { verifyPiece, verifyWhole, type PieceFault, type WholeSegment } from '../stream/verify.ts'
import type { NodeCrypto } from './crypto.ts'
import { headerUpTo, heldSegment } from './replication-reads.ts'

export interface ForksContext {
  readonly store: EventStore
  readonly crypto: NodeCrypto
  readonly swarm: SwarmId
  readonly nodeId: NodeId
  readonly nowMicros: () => number
  /** Whether there is room for what others made. */
  readonly hasRoom: () => boolean
}

/** A sealed version of a segment with its body. */
export interface Version {
  readonly header: Header
  readonly sealed: Sealed
  readonly body: Uint8Array
  /** As it lies on disk or travelled, of a closed one. */
  readonly deflated: Uint8Array | undefined
}

/** What is kept in `aside` of a fork. */
interface KeptProof {
  readonly one: SaidSegment
  readonly other: SaidSegment
}

export const faultToOutcome = (fault: PieceFault): TakeOutcome => {
  switch (fault.type) {
    case 'sender': return { type: 'bad', text: fault.reason }
    case 'author': return { type: 'refused', text: `a sealed piece is not valid: ${JSON.stringify(fault.reason)}` }
    case 'newer': return { type: 'newer' }
  }
}

export const wholeToVersion = (whole: WholeSegment, sealed: Sealed, deflated: Uint8Array): Version =>
  ({ header: whole.header, sealed, body: whole.body, deflated: whole.header.closed ? deflated : undefined })

const toSaid = async (crypto: NodeCrypto, { sealed, body, deflated }: Version): Promise<SaidSegment> =>
  ({ header: sealed.header, seal: sealed.seal, deflated: deflated ?? (await crypto.deflate(body)) })

/**
 * Compares two sealed versions with the same first offset and the same segment before.
 * `undefined`: one may still become the other. @see PROTOCOL.md [R44] [R46]
 */
export const forkOf = async (crypto: NodeCrypto, a: Version, b: Version): Promise<FoundFork | undefined> => {
  const [shorter, longer] = a.body.length <= b.body.length ? [a, b] : [b, a]
  const { stream, first } = a.header
  const isPrefix = startsWithBytes(longer.body, shorter.body)
  if (isPrefix && (shorter.body.length === longer.body.length || !shorter.header.closed)) return undefined
  const [one, other] = await Promise.all([toSaid(crypto, shorter), toSaid(crypto, longer)])
  const end = isPrefix ? first + shorter.header.events : first + firstDifference(a.body, b.body)
  return { stream, first, end, type: isPrefix ? 'shorter' : 'differs', one, other }
}

/** How often it is tried to settle a fork: each time another writer got ahead. */
const TRY_COUNT_MAX = 100

const FORK = 'fork'
const EARLY = 'fork-early'

const asideName = (stream: StreamId, end: Offset): string => `${stream}/${String(end).padStart(16, '0')}`

/** Proofs of the stores' `aside`, by the stream and the offset where they end it. */
export const loadForks = async (store: EventStore): Promise<ReadonlyMap<StreamId, SaidFork>> => {
  const forks = new Map<StreamId, SaidFork>()
  for (const [name, value] of await store.listAside(FORK)) {
    const header = decodeHeader((value as KeptProof).one.header)
    const end = Number(name.split('/').at(-1))
    if (!header.ok) continue
    const { stream, first } = header.value
    if (end < (forks.get(stream)?.end ?? Infinity)) forks.set(stream, { stream, first, end, branches: [] })
  }
  return forks
}

const readProof = async (store: EventStore, kind: string, stream: StreamId, end: Offset): Promise<KeptProof | undefined> =>
  (await store.getAside(kind, asideName(stream, end))) as KeptProof | undefined

/** Where proofs that wait for their stream begin, by its id and where they end it. */
type EarlyProofs = Map<StreamId, Map<Offset, Offset>>

const loadEarly = async (store: EventStore): Promise<EarlyProofs> => {
  const early: EarlyProofs = new Map()
  for (const [name, value] of await store.listAside(EARLY)) {
    const header = decodeHeader((value as KeptProof).one.header)
    if (header.ok) noteEarly(early, header.value, Number(name.split('/').at(-1)))
  }
  return early
}

const noteEarly = (early: EarlyProofs, { stream, first }: { readonly stream: StreamId; readonly first: Offset }, end: Offset): void =>
  void early.set(stream, (early.get(stream) ?? new Map<Offset, Offset>()).set(end, first))

/** Anybody can make streams and forks of them: of so many streams proofs are kept before anything else of them is, and so many of each. */
const EARLY_STREAMS_MAX = 64
const EARLY_PROOFS_MAX = 4

/** What forks need of the disk. */
export class Forks {
  readonly #context: ForksContext
  /** Proofs that came before their streams. */
  #early: Promise<EarlyProofs> | undefined

  constructor(context: ForksContext) {
    this.#context = context
  }

  #earlyProofs(): Promise<EarlyProofs> {
    this.#early ??= loadEarly(this.#context.store).catch((error: unknown) => {
      this.#early = undefined
      throw error
    })
    return this.#early
  }

  /** The proof that ends a stream at `end`. */
  async read(stream: StreamId, end: Offset): Promise<ForkMessage | undefined> {
    const proof = await readProof(this.#context.store, FORK, stream, end)
    return proof && { type: 'fork', one: proof.one, other: proof.other }
  }

  /** Judges two segments that came as a fork. @see PROTOCOL.md [R44] [R46] [R47] */
  async take({ one, other }: ForkMessage): Promise<{ readonly stream: StreamId | undefined; readonly outcome: TakeOutcome }> {
    const [a, b] = await Promise.all([this.#versionOf(one), this.#versionOf(other)])
    const stream = 'type' in a ? undefined : a.header.stream
    if ('type' in a) return { stream, outcome: a }
    if ('type' in b) return { stream, outcome: b }
    const isPair = a.header.stream === b.header.stream && a.header.first === b.header.first && equalBytes(a.header.previous, b.header.previous)
    const fork = isPair ? await forkOf(this.#context.crypto, a, b) : undefined
    if (fork === undefined) return { stream, outcome: { type: 'bad', text: 'two segments that are no fork' } }
    const outcome = await this.#place(fork, a.header)
    return { stream, outcome: outcome.type === 'forked' && !this.#context.hasRoom() ? noRoom : outcome }
  }

  async #versionOf({ header, seal, deflated }: SaidSegment): Promise<Version | TakeOutcome> {
    const { crypto, swarm } = this.#context
    const decoded = decodeHeader(header)
    if (!decoded.ok) return decoded.error === 'newer' ? { type: 'newer' } : { type: 'bad', text: decoded.error }
    const body = decoded.value.closed ? deflated : await crypto.inflate(deflated, decoded.value.bodyBytes)
    if (body === undefined) return { type: 'bad', text: 'length' }
    const sealed = { header, seal }
    const whole = await verifyWhole(crypto, swarm, { stream: decoded.value.stream, sealed, firstLine: decoded.value.first, body }, 0)
    return whole.ok ? wholeToVersion(whole.value, sealed, deflated) : faultToOutcome(whole.error)
  }

  /** How a proof lies to what is held. */
  async #place(fork: FoundFork, header: Header): Promise<TakeOutcome> {
    const { store, nodeId } = this.#context
    const { stream, first } = fork
    if (streamIdToNodeId(stream) === nodeId) return { type: 'mine' }
    const state = await store.state(stream)
    const [next, openFirst] = [state?.head.next ?? 0, state?.open.first ?? 0]
    if (first > next || (first === next && first !== openFirst)) return this.#keep(fork)
    if (state === undefined) return { type: 'forked', fork }
    if (state.standing?.type === 'forked' && state.standing.end <= fork.end) return { type: 'known' }
    const previous = first === state.open.first ? state.open.previous : previousOf(await store.piece(stream, first), first)
    if (previous === undefined || !equalBytes(previous, header.previous)) return { type: 'conflict' }
    const isCut = fork.type === 'shorter' && state.open.first > first && (await this.#holds(stream, fork.one))
    return isCut ? { type: 'known' } : { type: 'forked', fork }
  }

  async #holds(stream: StreamId, { header }: SaidSegment): Promise<boolean> {
    const decoded = decodeHeader(header)
    const piece = decoded.ok ? await this.#context.store.piece(stream, decoded.value.first) : undefined
    return piece !== undefined && equalBytes(piece.sealed.header, header)
  }

  async #keep({ stream, first, end, one, other }: FoundFork): Promise<TakeOutcome> {
    const early = await this.#earlyProofs()
    const known = early.get(stream)
    if (known?.has(end) === true) return { type: 'known' }
    if (!this.#context.hasRoom() || (known === undefined ? early.size >= EARLY_STREAMS_MAX : known.size >= EARLY_PROOFS_MAX)) return noRoom
    const proof: KeptProof = { one, other }
    await this.#context.store.putAside(EARLY, asideName(stream, end), proof)
    noteEarly(early, { stream, first }, end)
    return { type: 'known' }
  }

  /** A proof that came before the stream had got there, and applies now. */
  async early(state: StreamState): Promise<FoundFork | undefined> {
    const proofs = (await this.#earlyProofs()).get(state.stream) ?? new Map<Offset, Offset>()
    for (const [end, first] of proofs) {
      if (first > state.head.next || (state.standing?.type === 'forked' && state.standing.end <= end)) continue
      const proof = await readProof(this.#context.store, EARLY, state.stream, end)
      const judged = proof && (await this.take({ type: 'fork', ...proof }))
      if (judged?.outcome.type === 'forked') return judged.outcome.fork
    }
    return undefined
  }

  /**
   * The version of a segment that is held, sealed: what a received one is compared with.
   * Where the stream has ended, the lines kept have no seal of their own: a version of the proof stands for them.
   */
  async held(stream: StreamId, piece: Piece, standing: StreamState['standing']): Promise<Version | undefined> {
    const { store, crypto } = this.#context
    if (standing?.type === 'forked' && piece.type === 'open') {
      const proof = await readProof(store, FORK, stream, standing.end)
      const version = proof === undefined ? undefined : await this.#versionOf(proof.one)
      return version === undefined || 'type' in version ? undefined : version
    }
    const { header, body } = await heldSegment(crypto, stream, piece)
    return { header, sealed: piece.sealed, body, deflated: piece.type === 'closed' ? piece.deflated : undefined }
  }

  /** Ends the stream where the versions differ; or cuts it back to the closed one. @returns the state after it */
  async settle(fork: FoundFork): Promise<StreamState | undefined> {
    const { store } = this.#context
    for (let tries = 0; tries < TRY_COUNT_MAX; tries++) {
      const state = await store.state(fork.stream)
      const isDone = fork.type === 'shorter' ? await this.#cut(fork) : await store.end(fork.stream, await this.#endOf(fork, state))
      if (isDone) return store.state(fork.stream)
    }
    throw new Error(`the fork of ${fork.stream} at ${fork.end} cannot be settled on this disk`)
  }

  async #endOf(fork: FoundFork, state: StreamState | undefined): Promise<ForkEnd> {
    const { crypto, nowMicros } = this.#context
    const version = await this.#versionOf(fork.one)
    if ('type' in version) throw new Error(`the proof of ${fork.stream} does not hold any more`)
    const { header, sealed, body } = version
    const upTo = await headerUpTo(crypto, header, body, fork.end)
    const kept = upTo && { bytes: encodeHeader(upTo.header), ...upTo }
    const open: TailAppend | undefined = kept && {
      first: header.first, events: kept.header.events, lastLamport: kept.header.lastLamport, lines: kept.lines,
      sealed: { header: kept.bytes, seal: sealed.seal }, headerId: await headerId(crypto, kept.bytes),
    }
    const proof: KeptProof = { one: fork.one, other: fork.other }
    return {
      revision: state?.revision ?? 0, end: fork.end, open, segmentFirst: fork.first, previous: header.previous,
      lamportBefore: await this.#lamportBefore(fork, state), proof, atMicros: nowMicros(),
    }
  }

  async #lamportBefore({ stream, first }: FoundFork, state: StreamState | undefined): Promise<number> {
    if (state === undefined || first === 0) return 0
    if (first === state.open.first) return state.open.lamportBefore
    const before = await this.#context.store.piece(stream, first - 1)
    const header = before && decodeHeader(before.sealed.header)
    return header?.ok === true ? header.value.lastLamport : (state.start?.lamportBefore ?? 0)
  }

  /** Takes the closed version in place of a longer one. What was held beyond goes to `aside`. */
  async #cut({ stream, first, one, other }: FoundFork): Promise<boolean> {
    const { store, crypto, swarm, nowMicros } = this.#context
    await store.putAside('fork-shorter', asideName(stream, first), { one, other })
    const state = await store.lower(stream, first, 'forked', nowMicros())
    if (state === undefined) return false
    const verdict = await verifyPiece(crypto, swarm, state, { stream, sealed: { header: one.header, seal: one.seal }, firstLine: first, body: one.deflated })
    if (verdict.type !== 'append') return false
    const { clock } = advanceClock(clockAt(await store.clock(), 0), verdict.lamports, 0)
    return (await store.appendReplicated([verdict.pieces], clock.lamport)).type === 'stored'
  }
}

const noRoom: TakeOutcome = { type: 'full', code: 'STORE-NEARLY-FULL', text: 'no room is left for proofs of others’ forks; it is asked for again with the next connection' }

const previousOf = (piece: Piece | undefined, first: Offset): Uint8Array | undefined => {
  const header = piece?.first === first ? decodeHeader(piece.sealed.header) : undefined
  return header?.ok === true ? header.value.previous : undefined
}
