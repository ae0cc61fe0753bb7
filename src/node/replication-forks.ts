import { bytesToHex, equalBytes } from '../core/bytes.ts'
import { streamIdToNodeId, streamWithoutBranch, type Lamport, type NodeId, type Offset, type StreamId, type SwarmId } from '../core/ids.ts'
import type { ForkMessage, SaidFork, WholeSegment as SaidSegment } from '../protocol/message.ts'
import type { FoundFork, TakeOutcome } from '../protocol/plan-state.ts'
import type { EventStore, ForkChange, StreamRecord, StreamState } from '../store/event-store.ts'
import { readBody } from '../stream/body.ts'
import { decodeHeader } from '../stream/header.ts'
import { branchIdOf, chainLine } from '../stream/swarm.ts'
import { verifyPiece } from '../stream/verify.ts'
import type { NodeCrypto } from './crypto.ts'
import { branchesOf, chainUpTo, placeOf, type ForkPlace } from './fork-place.ts'
import { forkOf, lineAt, saidToVersion, versionToBeginning, versionToSaid, versionUpTo, type Version } from './fork-version.ts'

export interface ForksContext {
  readonly store: EventStore
  readonly crypto: NodeCrypto
  readonly swarm: SwarmId
  readonly nodeId: NodeId
  readonly nowMicros: () => number
  /** Whether there is room for what others made. */
  readonly hasRoom: () => boolean
  /** @returns what the clock becomes with events of these Lamport times */
  readonly advanceClock: (stream: StreamId, lamports: readonly Lamport[]) => Promise<Lamport>
}

interface Judged {
  readonly stream: StreamId | undefined
  readonly outcome: TakeOutcome
}

/** A proof that waits for its stream, as it lies in `aside`. */
interface KeptProof {
  readonly one: SaidSegment
  readonly other: SaidSegment
}

/** How often it is tried to settle a fork: each time another writer got ahead. */
const TRY_COUNT_MAX = 100

const EARLY = 'fork-early'

/** Where each stream ends that has forked, and its branches. */
export const loadForks = async (store: EventStore): Promise<ReadonlyMap<StreamId, SaidFork>> => {
  const families = new Map<StreamId, StreamRecord[]>()
  for (const record of await store.records()) {
    const base = streamWithoutBranch(record.stream)
    families.set(base, [...(families.get(base) ?? []), record])
  }
  return new Map([...families.values()].flatMap(forksOf).map((fork) => [fork.stream, fork]))
}

const forksOf = (family: readonly StreamRecord[]): readonly SaidFork[] =>
  family.flatMap((record) => {
    const branches = branchesOf(family, record).map(({ stream }) => stream.slice(stream.indexOf('~') + 1))
    return record.standing?.type === 'forked' ? [{ stream: record.stream, first: record.openFirst, end: record.standing.end, branches }] : []
  })

/** Proofs that wait for their stream, by it: name and where they begin. */
type EarlyProofs = Map<StreamId, Map<string, Offset>>

/** Anybody can make streams and forks of them: of so many streams proofs are kept before anything else of them is, and so many of each. */
const EARLY_STREAMS_MAX = 64
const EARLY_PROOFS_MAX = 4

/** What forks need of the disk. */
export class Forks {
  readonly #context: ForksContext
  #early: Promise<EarlyProofs> | undefined

  constructor(context: ForksContext) {
    this.#context = context
  }

  /** The proofs of the fork with which a stream ends, one for each branch but the first. */
  async read(stream: StreamId, end: Offset): Promise<readonly ForkMessage[]> {
    const family = await this.#context.store.family(streamWithoutBranch(stream))
    const record = family.find((each) => each.stream === stream)
    if (record?.standing?.type !== 'forked' || record.standing.end !== end) return []
    const versions = await Promise.all(branchesOf(family, record).map((branch) => this.#sealedFirst(family, branch)))
    const [one, ...others] = versions.filter((version) => version !== undefined)
    return one === undefined ? [] : others.map((other) => ({ type: 'fork', one, other }))
  }

  /** The first segment of a branch, sealed: its own, or of one that branches off within it. */
  async #sealedFirst(family: readonly StreamRecord[], record: StreamRecord): Promise<SaidSegment | undefined> {
    const { stream, branch, standing, openFirst } = record
    if (branch === undefined) return undefined
    const [inner] = standing?.type === 'forked' && openFirst === branch.first ? branchesOf(family, record) : []
    if (inner !== undefined) return this.#sealedFirst(family, inner)
    const piece = await this.#context.store.piece(stream, branch.fork)
    return piece && { header: piece.sealed.header, seal: piece.sealed.seal, deflated: piece.type === 'closed' ? piece.deflated : await this.#context.crypto.deflate(piece.body) }
  }

  /** What is known of the forks of a stream and its branches. */
  async known(stream: StreamId): Promise<readonly SaidFork[]> {
    return forksOf(await this.#context.store.family(streamWithoutBranch(stream)))
  }

  /** Judges two segments that came as a fork. @see PROTOCOL.md [R44] [R46] [R47] */
  async take(message: ForkMessage): Promise<Judged> {
    const judged = await this.#judgePair(message)
    if (judged.outcome.type === 'beyond') return { ...judged, outcome: await this.#keep(message) }
    return judged.outcome.type === 'forked' && !this.#context.hasRoom() ? { ...judged, outcome: noRoom } : judged
  }

  async #judgePair(message: ForkMessage): Promise<Judged> {
    const { crypto, swarm } = this.#context
    const [a, b] = await Promise.all([saidToVersion(crypto, swarm, message.one), saidToVersion(crypto, swarm, message.other)])
    const stream = 'type' in a ? undefined : a.header.stream
    if ('type' in a) return { stream, outcome: a }
    if ('type' in b) return { stream, outcome: b }
    const isPair = a.header.stream === b.header.stream && a.header.first === b.header.first && equalBytes(a.header.previous, b.header.previous)
    const fork = isPair ? await forkOf(crypto, a, b) : undefined
    if (fork === undefined) return { stream, outcome: { type: 'bad', text: 'two segments that are no fork' } }
    return { stream, outcome: await this.#judgeFork(fork, fork.type === 'differs' ? [a, b] : fork.one.header === a.sealed.header ? [a] : [b]) }
  }

  async #judgeFork(fork: FoundFork, versions: readonly Version[]): Promise<TakeOutcome> {
    if (streamIdToNodeId(fork.stream) === this.#context.nodeId) return { type: 'mine' }
    const places = await Promise.all(versions.map((version) => placeOf(this.#context, version)))
    if (places.some(({ type }) => type === 'conflict')) return { type: 'conflict' }
    if (places.some(({ type }) => type === 'beyond')) return { type: 'beyond' }
    const news = places.find(isNews)
    if (news === undefined) return { type: places.some(({ type }) => type === 'full') ? 'crowded' : 'known' }
    return { type: 'forked', fork: { ...fork, stream: news.stream, end: 'end' in news ? news.end : fork.end } }
  }

  /** Judges a whole segment that does not go on from what is held. */
  async judge(version: Version): Promise<TakeOutcome> {
    const { crypto } = this.#context
    const place = await placeOf(this.#context, version)
    switch (place.type) {
      case 'conflict': case 'beyond': return { type: place.type }
      case 'full': return { type: 'crowded' }
      case 'longer': {
        const [one, other] = await Promise.all([this.#held(place), versionToSaid(crypto, version)])
        return one === undefined ? { type: 'known' } : { type: 'shorter', proof: { type: 'fork', one, other } }
      }
      case 'split': case 'shorter': case 'branch': {
        const [held, said] = await Promise.all([this.#held(place), versionToSaid(crypto, version)])
        if (held === undefined) return { type: 'known' }
        const [one, other, type] = place.type === 'shorter' ? ([said, held, 'shorter'] as const) : ([held, said, 'differs'] as const)
        return { type: 'forked', fork: { stream: place.stream, end: place.end, type, one, other } }
      }
      default: return { type: 'known' }
    }
  }

  /** A sealed segment that goes another way than the version of `place`. */
  async #held(place: Extract<ForkPlace, { readonly stream: StreamId; readonly state: StreamState }>): Promise<SaidSegment | undefined> {
    const { store, crypto } = this.#context
    if ('held' in place && place.held.closed?.type === 'closed') return { ...place.held.closed.sealed, deflated: place.held.closed.deflated }
    const { stream, state: { standing, open } } = place
    if (standing?.type !== 'forked') return open.sealed && { ...open.sealed, deflated: await crypto.deflate(open.body) }
    const family = await store.family(streamWithoutBranch(stream))
    const [branch] = branchesOf(family, { standing })
    return branch && this.#sealedFirst(family, branch)
  }

  /**
   * Brings both versions to where they belong among a stream and its branches: the stream ends where they differ, or is cut back to the closed one.
   * @returns the streams that are otherwise now
   */
  async settle({ stream, type, one, other }: FoundFork): Promise<readonly StreamId[]> {
    const { crypto, swarm } = this.#context
    const versions = await Promise.all((type === 'shorter' ? [one] : [one, other]).map((said) => saidToVersion(crypto, swarm, said)))
    const pair = versions.map((version) => {
      if ('type' in version) throw new Error(`the proof of ${stream} does not hold any more`)
      return version
    })
    const changed = new Set<StreamId>([stream])
    for (let tries = 0; tries < TRY_COUNT_MAX; tries++) {
      const places = await Promise.all(pair.map((version) => placeOf(this.#context, version)))
      const at = places.findIndex(isNews)
      const [place, version, partner] = [places[at], pair[at], pair[1 - at]]
      if (place === undefined || version === undefined || !isNews(place)) return [...changed]
      for (const each of await this.#put(place, version, partner)) changed.add(each)
    }
    throw new Error(`the fork of ${stream} cannot be settled on this disk`)
  }

  /** One step towards it. @returns what it changed; nothing where another writer got ahead */
  async #put(place: NewPlace, version: Version, partner: Version | undefined): Promise<readonly StreamId[]> {
    switch (place.type) {
      case 'append': return this.#append(place, version, partner)
      case 'refill': return this.#fork(place, version, { kept: await versionUpTo(this.#context.crypto, version, place.end) })
      case 'branch': return this.#fork(place, version, { added: [[place.name, version]], removed: place.removed })
      case 'split': return this.#split(place.state, place.held.body, place.end, [version], version)
      case 'shorter': return this.#cut(place, version)
    }
  }

  /** Where the other version goes another way further on, the stream ends there at once: its events would only be shown to be taken back. */
  async #append({ stream, state }: Extract<NewPlace, { type: 'append' }>, version: Version, partner: Version | undefined): Promise<readonly StreamId[]> {
    const { store, crypto, swarm, advanceClock } = this.#context
    const fork = partner && (await forkOf(crypto, version, partner))
    if (fork?.type === 'differs' && partner !== undefined && state.head.next <= fork.end) {
      return this.#split(state, state.open.body, fork.end, [version, partner], version)
    }
    const { header: { first }, sealed, body, deflated } = version
    const verdict = await verifyPiece(crypto, swarm, state, { stream, sealed, firstLine: first, body: deflated ?? body })
    if (verdict.type !== 'append') throw new Error(`a version of ${stream} does not go on from what is held: ${verdict.type}`)
    const clock = await advanceClock(stream, verdict.lamports)
    return (await store.appendReplicated([verdict.pieces], clock)).type === 'stored' ? [stream] : []
  }

  /** The stream ends at `end`. @param body what it has of the segment in which that lies @param whole a version that has all before */
  async #split(state: StreamState, body: Uint8Array, end: Offset, versions: readonly Version[], whole: Version): Promise<readonly StreamId[]> {
    const { crypto } = this.#context
    const { stream } = state
    const { first } = whole.header
    if (state.hole === true) await this.#context.store.lower(stream, state.head.next, 'hole', this.#context.nowMicros())
    const kept = await versionUpTo(crypto, whole, end)
    const chain = await this.#chainOf(state, whole, end)
    const nameAt = async (lines: Uint8Array): Promise<StreamId | undefined> => {
      const line = lineAt(lines, first, end)
      return line && branchIdOf(stream, await chainLine(crypto, chain, line))
    }
    const rest = await nameAt(body)
    const added = await Promise.all(versions.map(async (version) => [(await nameAt(version.body)) ?? stream, version] as const))
    return this.#fork({ stream, state, end, chain }, whole, { kept, rest, added })
  }

  /** Of what is held, and of the version from where that ends. */
  async #chainOf(state: StreamState, { header: { first }, body }: Version, end: Offset): Promise<Uint8Array> {
    const held = Math.min(state.head.next, end)
    let chain = await chainUpTo(this.#context, state.stream, state, held)
    for (let at = held; at < end; ) {
      const line = lineAt(body, first, at)
      const lines = line && readBody(line, 0)
      if (line === undefined || lines?.ok !== true) throw new Error(`no line of ${state.stream} begins at ${at}`)
      chain = await chainLine(this.#context.crypto, chain, line)
      at += lines.value.events
    }
    return chain
  }

  async #fork(
    { stream, state, end, chain }: { readonly stream: StreamId; readonly state: StreamState; readonly end: Offset; readonly chain: Uint8Array },
    { header }: Version,
    { kept, rest, added = [], removed = [] }: Partial<Pick<ForkChange, 'kept' | 'rest' | 'removed'>> & { readonly added?: readonly (readonly [StreamId, Version])[] },
  ): Promise<readonly StreamId[]> {
    const { store, crypto, nowMicros, advanceClock } = this.#context
    const lamports = added.flatMap(([, { body }]) => {
      const lines = readBody(body, 0)
      return lines.ok ? lines.value.lamports : []
    })
    const done = await store.fork({
      stream, revision: state.revision, end, chain, kept, rest, removed,
      segment: { first: header.first, previous: header.previous, lamportBefore: await this.#lamportBefore(state, header.first) },
      added: await Promise.all(added.filter(([name]) => name !== rest).map(([name, version]) => versionToBeginning(crypto, name, version))),
      clockTo: await advanceClock(stream, lamports), atMicros: nowMicros(),
    })
    return done ? [stream, ...(rest === undefined ? [] : [rest]), ...added.map(([name]) => name), ...removed] : []
  }

  async #lamportBefore({ stream, open, branch, start }: StreamState, first: Offset): Promise<Lamport> {
    if (first === open.first) return open.lamportBefore
    if (first === branch?.first) return branch.lamportBefore
    const before = first === 0 ? undefined : await this.#context.store.piece(stream, first - 1)
    const header = before && decodeHeader(before.sealed.header)
    return header?.ok === true ? header.value.lastLamport : (start?.lamportBefore ?? 0)
  }

  /** Takes the closed version in place of a longer one. What was held beyond goes to `aside`. */
  async #cut({ stream }: Extract<NewPlace, { type: 'shorter' }>, version: Version): Promise<readonly StreamId[]> {
    const { store, nowMicros } = this.#context
    const state = await store.lower(stream, version.header.first, 'forked', nowMicros())
    return state === undefined ? [] : this.#append({ type: 'append', stream, state }, version, undefined)
  }

  // proofs that came before their streams

  async #keep({ one, other }: ForkMessage): Promise<TakeOutcome> {
    const { store, hasRoom } = this.#context
    const header = decodeHeader(one.header)
    if (!header.ok) return { type: 'known' }
    const { stream, first } = header.value
    const early = await this.#earlyProofs()
    const known = early.get(stream)
    const name = `${stream}/${String(first).padStart(16, '0')}/${[one, other].map((each) => bytesToHex(each.header.subarray(134, 142))).join('/')}`
    if (known?.has(name) === true) return { type: 'known' }
    if (!hasRoom() || (known === undefined ? early.size >= EARLY_STREAMS_MAX : known.size >= EARLY_PROOFS_MAX)) return noRoom
    const proof: KeptProof = { one, other }
    await store.putAside(EARLY, name, proof)
    early.set(stream, (known ?? new Map<string, Offset>()).set(name, first))
    return { type: 'known' }
  }

  #earlyProofs(): Promise<EarlyProofs> {
    this.#early ??= this.#loadEarly().catch((error: unknown) => {
      this.#early = undefined
      throw error
    })
    return this.#early
  }

  async #loadEarly(): Promise<EarlyProofs> {
    const early: EarlyProofs = new Map()
    for (const [name, value] of await this.#context.store.listAside(EARLY)) {
      const header = decodeHeader((value as KeptProof).one.header)
      if (header.ok) early.set(header.value.stream, (early.get(header.value.stream) ?? new Map<string, Offset>()).set(name, header.value.first))
    }
    return early
  }

  /** A proof that came before the stream, or one of its branches, had got there, and applies now that it is held up to `next`. */
  async early(stream: StreamId, next: Offset): Promise<FoundFork | undefined> {
    const base = streamWithoutBranch(stream)
    const early = await this.#earlyProofs()
    for (const [name, first] of early.get(base) ?? []) {
      if (first > next) continue
      const proof = (await this.#context.store.getAside(EARLY, name)) as KeptProof | undefined
      const outcome = proof && (await this.#judgePair({ type: 'fork', ...proof })).outcome
      if (outcome?.type === 'beyond') continue
      // Kept until it has been settled: then it is known.
      if (outcome?.type === 'forked') return outcome.fork
      await this.#forget(early, base, name)
    }
    return undefined
  }

  async #forget(early: EarlyProofs, base: StreamId, name: string): Promise<void> {
    await this.#context.store.deleteAside(EARLY, name)
    const names = early.get(base)
    names?.delete(name)
    if (names?.size === 0) early.delete(base)
  }
}

type NewPlace = Extract<ForkPlace, { readonly type: 'append' | 'refill' | 'branch' | 'split' | 'shorter' }>

const isNews = (place: ForkPlace): place is NewPlace => ['append', 'refill', 'branch', 'split', 'shorter'].includes(place.type)

const noRoom: TakeOutcome = { type: 'full', code: 'STORE-NEARLY-FULL', text: 'no room is left for proofs of others’ forks; it is asked for again with the next connection' }
