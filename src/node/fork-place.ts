import { equalBytes, startsWithBytes } from '../core/bytes.ts'
import type { Offset, StreamId } from '../core/ids.ts'
import { BRANCHES_MAX } from '../protocol/limits.ts'
import type { EventStore, Piece, StreamRecord, StreamState } from '../store/event-store.ts'
import { firstDifference, linesOf } from '../stream/body.ts'
import { parseLine } from '../stream/batch.ts'
import type { StreamCrypto } from '../stream/crypto.ts'
import { decodeHeader } from '../stream/header.ts'
import { emptyBase } from '../stream/segment.ts'
import { branchIdOf, chainLine, noLines } from '../stream/swarm.ts'
import { endOf, lineAt, type Version } from './fork-version.ts'
import { heldSegment } from './replication-reads.ts'

interface Disk {
  readonly store: EventStore
  readonly crypto: StreamCrypto
}

/**
 * How a version of a segment lies to a stream and its branches, which together hold each batch once.
 * `held`: nothing in it is new · `full`: there are as many branches with smaller names as may be · `beyond` what is held · `conflict`: it rests on another segment before ·
 * `append`: it goes on from the end of `stream` · `refill`: it has the last lines before the end of `stream`, which were lost ·
 * `branch`: it goes on from the fork with which `stream` ends, in a branch that is not there ·
 * `split`: `held` goes another way from `end` on · `shorter`: it is closed, and a proper prefix of `held` · `longer`: the reverse.
 */
export type ForkPlace =
  | { readonly type: 'held' | 'full' | 'beyond' | 'conflict' }
  | { readonly type: 'append'; readonly stream: StreamId; readonly state: StreamState }
  | { readonly type: 'refill'; readonly stream: StreamId; readonly state: StreamState; readonly end: Offset; readonly chain: Uint8Array }
  | { readonly type: 'branch'; readonly stream: StreamId; readonly state: StreamState; readonly end: Offset; readonly chain: Uint8Array; readonly name: StreamId; readonly removed: readonly StreamId[] }
  | (Beside & { readonly type: 'split'; readonly end: Offset })
  | (Beside & { readonly type: 'shorter'; readonly end: Offset })
  | (Beside & { readonly type: 'longer' })

interface Beside {
  readonly stream: StreamId
  readonly state: StreamState
  readonly held: HeldLines
}

/** What a stream holds of the segment of a version. */
interface HeldLines {
  readonly body: Uint8Array
  /** `undefined`: all that is held of the open segment. */
  readonly closed: Piece | undefined
}

type Family = readonly StreamRecord[]

/** The branches of a stream that ends at a fork, smallest names first. @param stream has `standing` */
export const branchesOf = (family: Family, { standing }: Pick<StreamRecord, 'standing'>): Family => {
  const chain = standing?.type === 'forked' ? standing.chain : undefined
  return chain === undefined ? [] : family.filter(({ branch }) => branch !== undefined && equalBytes(branch.chain, chain)).toSorted((a, b) => (a.stream < b.stream ? -1 : 1))
}

/** A branch with all that branches off it. */
const withBranches = (family: Family, record: StreamRecord): readonly StreamId[] => [record.stream, ...branchesOf(family, record).flatMap((branch) => withBranches(family, branch))]

/** Chain over the lines of a stream, those before its fork or start included, up to `end`. @see FORMAT.md [F37] */
export const chainUpTo = async ({ store, crypto }: Disk, stream: StreamId, { branch, start }: Pick<StreamState, 'branch' | 'start'>, end: Offset): Promise<Uint8Array> => {
  let [at, chain] = branch !== undefined ? [branch.fork, branch.chain] : start !== undefined ? [start.offset, start.chain] : [0, noLines]
  while (at < end) {
    const piece = await store.piece(stream, at)
    if (piece === undefined) throw new Error(`offset ${at} of ${stream} is no longer held`)
    const { header, body } = await heldSegment(crypto, stream, piece)
    let offset = header.first
    for (const line of linesOf(body)) {
      if (offset >= end) break
      if (offset >= at) chain = await chainLine(crypto, chain, line)
      offset += eventsIn(line)
    }
    at = offset
  }
  return chain
}

const eventsIn = (line: Uint8Array): number => {
  const parsed = parseLine(line)
  if (!parsed.ok) throw new Error(`a stored line is not valid: ${parsed.error}`)
  return parsed.value[3].length
}

/** Finds the place of a version among what is held of its stream and all branches. */
export const placeOf = async (disk: Disk, version: Version): Promise<ForkPlace> => {
  const family = await disk.store.family(version.header.stream)
  const top = await topHolder(disk, family, version)
  if (typeof top === 'string') return { type: top }
  for (let state = top; ; ) {
    const held = await linesHeld(disk, state, version)
    const place = await compare(disk, state, held, version)
    // What lies before its fork is the matter of the stream it branches from, which is not there now.
    if ((place.type === 'split' || place.type === 'shorter') && place.end <= (state.branch?.fork ?? -1)) return { type: 'beyond' }
    if (place.type !== 'branch') return place
    const siblings = branchesOf(family, state)
    const known = siblings.find(({ stream }) => stream === place.name)
    if (known === undefined) return withRoom(family, siblings, place)
    const next = await disk.store.state(known.stream)
    if (next === undefined) return { type: 'beyond' }
    state = next
  }
}

type BranchPlace = Extract<ForkPlace, { type: 'branch' }>

/** At most so many branches, smallest names first. */
const withRoom = (family: Family, siblings: Family, place: BranchPlace): ForkPlace => {
  const last = siblings.at(-1)
  if (siblings.length < BRANCHES_MAX || last === undefined) return place
  return place.name > last.stream ? { type: 'full' } : { ...place, removed: withBranches(family, last) }
}

/** The stream that holds the segment of a version, or comes to where it begins: of several the one before whose fork all others lie. */
const topHolder = async ({ store }: Disk, family: Family, version: Version): Promise<StreamState | 'held' | 'beyond' | 'conflict'> => {
  // What lies before a start is nothing that could be compared.
  if (family.some(({ start }) => version.header.first < (start?.offset ?? 0))) return 'held'
  let found: 'beyond' | 'conflict' = 'beyond'
  for (const { stream, branch } of family.toSorted((a, b) => (a.branch?.fork ?? -1) - (b.branch?.fork ?? -1))) {
    const state = (await store.state(stream)) ?? (branch === undefined ? noEvents(stream) : undefined)
    const lies = state === undefined ? 'beyond' : await liesTo(store, state, version)
    if (state !== undefined && lies === 'in') return state
    if (lies === 'conflict') found = lies
  }
  return found
}

const noEvents = (stream: StreamId): StreamState => ({ ...emptyBase(stream), start: undefined, branch: undefined, standing: undefined })

const liesTo = async (store: EventStore, { stream, open, head, branch }: StreamState, { header }: Version): Promise<'in' | 'beyond' | 'conflict'> => {
  const { first, previous } = header
  if (first > head.next) return 'beyond'
  if (first < (branch?.first ?? 0)) return 'conflict'
  if (first >= open.first) return first === open.first && equalBytes(previous, open.previous) ? 'in' : 'conflict'
  const piece = await store.piece(stream, first)
  const held = piece?.first === first ? decodeHeader(piece.sealed.header) : undefined
  return held?.ok === true && equalBytes(previous, held.value.previous) ? 'in' : 'conflict'
}

const linesHeld = async ({ store, crypto }: Disk, { stream, open }: StreamState, { header }: Version): Promise<HeldLines> => {
  if (header.first === open.first) return { body: open.body, closed: undefined }
  const piece = await store.piece(stream, header.first)
  if (piece === undefined) return { body: new Uint8Array(0), closed: undefined }
  const { body } = await heldSegment(crypto, stream, piece)
  return { body, closed: piece.type === 'closed' ? piece : undefined }
}

const compare = async (disk: Disk, state: StreamState, held: HeldLines, version: Version): Promise<ForkPlace> => {
  const { stream, standing, head } = state
  const { header, body } = version
  const ended = held.closed === undefined && standing?.type === 'forked' ? standing : undefined
  const common = { stream, state, held }
  if (startsWithBytes(held.body, body)) {
    if (body.length < held.body.length) return header.closed && ended === undefined ? { type: 'shorter', ...common, end: endOf(version) } : { type: 'held' }
    return header.closed && held.closed === undefined && ended === undefined ? { type: 'append', stream, state } : { type: 'held' }
  }
  if (!startsWithBytes(body, held.body)) return { type: 'split', ...common, end: header.first + firstDifference(held.body, body) }
  if (held.closed !== undefined) return { type: 'longer', ...common }
  if (ended === undefined) return { type: 'append', stream, state }
  const line = lineAt(body, header.first, ended.end)
  if (line === undefined) return { type: 'held' }
  const chain = ended.chain ?? (await chainUpTo(disk, stream, state, ended.end))
  if (head.next < ended.end) return { type: 'refill', stream, state, end: ended.end, chain }
  return { type: 'branch', stream, state, end: ended.end, chain, name: branchIdOf(stream, await chainLine(disk.crypto, chain, line)), removed: [] }
}
