import { assert } from '../core/assert.ts'
import type { Lamport, Offset, StreamId } from '../core/ids.ts'
import { appendIn, hasLargeRecord, tablesOf, type AppendOutcome, type AppendRules } from './append.ts'
import type { ClockNotes } from './clock.ts'
import type { AppendResult, EventStore, ForkChange, Piece, Start, StreamAppend, StreamRecord, StreamState } from './event-store.ts'
import { forkIn, forkTables } from './fork.ts'
import { createHeads } from './heads.ts'
import { lowerIn, loweringTables } from './lower.ts'
import { beginningOf, parseStoredStream, unpackSegment, unreadable, type StoredStream } from './records.ts'
import { bodyOf, headOf, joinCountMin, joinIn, readRecord, readTail, stateOf, type Tail } from './tail.ts'
import { putSummaries } from './summary-pages.ts'
import { keysWithPrefix, KeyTaken, readAtOnce, type Durability, type KeyRange, type TableName, type Tables, type Transaction } from './tables.ts'

type StreamsPart = Pick<
  EventStore,
  'state' | 'heads' | 'present' | 'records' | 'family' | 'appendOwn' | 'appendReplicated' | 'begin' | 'piece' | 'summaries' | 'addSummaries' | 'joinTail' | 'lower' | 'fork'
>

/** All that an event store does with streams. `notes` is shared with the clock. */
export class Streams implements StreamsPart {
  readonly #tables: Tables
  readonly #notes: ClockNotes
  readonly heads: EventStore['heads']
  /** What was remembered for `heads` is not what can be read. */
  readonly #forgetHead: (stream: StreamId) => void
  /** Appends that this object knows not to be joined, for each stream. */
  readonly #single = new Map<StreamId, number>()
  /** First offset of the open segment of each stream, as last read here. */
  readonly #openFirst = new Map<StreamId, Offset>()
  /** Streams whose tail had a hole when it was last read here. */
  readonly #holes = new Set<StreamId>()

  constructor(tables: Tables, notes: ClockNotes) {
    this.#tables = tables
    this.#notes = notes
    const { heads, forget } = createHeads(tables)
    this.heads = heads
    this.#forgetHead = forget
  }

  readonly state = async (stream: StreamId): Promise<StreamState | undefined> => {
    const tail = await readAtOnce(this.#tables, ['streams', 'tail'], (transaction) => readTail(transaction, stream))
    this.#openFirst.set(stream, tail.record.openFirst)
    this.#single.set(stream, tail.appends.filter((append) => !append.joined).length)
    this.#noteHole(tail)
    return tail.record.revision === 0 && tail.appends.length === 0 && !tail.hole ? undefined : stateOf(tail)
  }

  readonly present = async (): Promise<Readonly<Record<StreamId, Offset>>> =>
    Object.fromEntries([...(await this.heads())].map(([stream, head]) => [stream, head.next - 1]))

  readonly records = (): Promise<readonly StreamRecord[]> => readAtOnce(this.#tables, ['streams'], (transaction) => recordsIn(transaction))

  readonly family = async (stream: StreamId): Promise<readonly StreamRecord[]> =>
    readAtOnce(this.#tables, ['streams'], async (transaction) => {
      const [own, branches] = await Promise.all([readRecord(transaction, stream), recordsIn(transaction, keysWithPrefix(`${stream}~`))])
      return [withoutPlace(own), ...branches]
    })

  readonly appendOwn = async (append: StreamAppend, firstLamport: Lamport, overtakable: boolean): Promise<AppendResult> => {
    if (this.#holes.has(append.stream)) throw unreadable(`a part of the own stream ${append.stream}`)
    const result = await this.#appendStrict([append], { own: true, overtakenFrom: overtakable ? firstLamport : undefined, clockTo: undefined })
    if (result.type !== 'stored') return result
    const clock = Math.max(result.clock, append.tail?.lastLamport ?? append.closed.at(-1)?.lastLamport ?? 0)
    this.#notes.strict(clock)
    return { type: 'stored', clock }
  }

  readonly appendReplicated = async (appends: readonly StreamAppend[], clockTo: Lamport): Promise<AppendResult> => {
    const holed = appends.find((append) => this.#holes.has(append.stream))
    if (holed !== undefined) return this.#mend(holed.stream)
    const rules = { own: false, overtakenFrom: undefined, clockTo }
    const strictFrom = this.#notes.strictFrom()
    if (clockTo < strictFrom && !hasLargeRecord(appends)) {
      const result = await this.#append(appends, { ...rules, strictFrom }, 'relaxed')
      if (result.type !== 'again') return result
    }
    return this.#appendStrict(appends, rules)
  }

  readonly begin = (stream: StreamId, start: Start): Promise<boolean> =>
    this.#write(['streams', 'tail'], 'strict', async (transaction) => {
      const { record, appends, hole } = await readTail(transaction, stream)
      const isHeld = hole || appends.length > 0 || record.openFirst > 0 || record.branch !== undefined || record.standing !== undefined
      if (!isHeld) transaction.put('streams', stream, { ...record, start, openFirst: start.offset, previous: start.previous, lamportBefore: start.lamportBefore, revision: record.revision + 1 })
      return !isHeld
    })

  /** Whether it lies in the open segment is guessed, and read again where it does not. */
  readonly piece = async (stream: StreamId, offset: Offset): Promise<Piece | undefined> => {
    for (;;) {
      const isOpen = offset >= (this.#openFirst.get(stream) ?? Infinity)
      const { record, piece } = await (isOpen ? this.#openPiece(stream, offset) : this.#closedPiece(stream, offset))
      this.#openFirst.set(stream, record.openFirst)
      if (offset < beginningOf(record).openFirst) return undefined
      if (isOpen === offset >= record.openFirst) return piece()
    }
  }

  readonly summaries = async (from = 0): Promise<readonly Uint8Array[]> => {
    const pages = await readAtOnce(this.#tables, ['summaries'], (transaction) => transaction.values('summaries', { from, to: [] }))
    return pages.filter((page) => page instanceof Uint8Array)
  }

  readonly addSummaries = (entries: readonly Uint8Array[]): Promise<void> =>
    this.#write(['summaries'], 'relaxed', async (transaction) => putSummaries(transaction, await transaction.last('summaries'), entries))

  readonly joinTail = async (stream: StreamId): Promise<boolean> => {
    const single = this.#single.get(stream)
    if (single !== undefined && single < joinCountMin) return false
    const { left, joined } = await this.#write(['streams', 'tail'], 'relaxed', (transaction) => joinIn(transaction, stream))
    this.#single.set(stream, left)
    return joined
  }

  readonly lower = async (stream: StreamId, first: Offset, reason: string, atMicros: number): Promise<StreamState | undefined> => {
    await this.#write(loweringTables, 'strict', (transaction) => lowerIn(transaction, stream, first, { reason, atMicros }))
    return this.state(stream)
  }

  readonly fork = (change: ForkChange): Promise<boolean> => this.#write(forkTables, 'strict', (transaction) => forkIn(transaction, change))

  async #openPiece(stream: StreamId, offset: Offset): Promise<FoundPiece> {
    const tail = await readAtOnce(this.#tables, ['streams', 'tail'], (transaction) => readTail(transaction, stream))
    this.#noteHole(tail)
    return { record: tail.record, piece: () => openPieceOf(tail, offset) }
  }

  #noteHole({ record: { stream }, hole }: Tail): void {
    if (!hole) return void this.#holes.delete(stream)
    this.#holes.add(stream)
    this.#forgetHead(stream)
  }

  async #closedPiece(stream: StreamId, offset: Offset): Promise<FoundPiece> {
    const [record, entry] = await readAtOnce(this.#tables, ['streams', 'segments'], (transaction) =>
      Promise.all([readRecord(transaction, stream), transaction.last('segments', { from: [stream, 0], to: [stream, offset + 1] })]),
    )
    return { record, piece: () => closedPieceOf(stream, offset, entry?.[1]) }
  }

  #write<T>(tables: readonly TableName[], durability: Durability, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#tables.run({ tables, mode: 'readwrite', durability }, work)
  }

  async #append(appends: readonly StreamAppend[], rules: AppendRules, durability: Durability): Promise<AppendOutcome> {
    try {
      const result = await this.#write(tablesOf(appends), durability, (transaction) => appendIn(transaction, appends, rules))
      if (result.type === 'stored') appends.forEach((append) => this.#count(append))
      return result
    } catch (error) {
      if (error instanceof KeyTaken) return { type: 'stale', stream: (error.key instanceof Array ? error.key[0] : error.key) as StreamId }
      throw error
    }
  }

  async #appendStrict(appends: readonly StreamAppend[], rules: Omit<AppendRules, 'strictFrom'>): Promise<AppendResult> {
    const result = await this.#append(appends, { ...rules, strictFrom: undefined }, 'strict')
    assert(result.type !== 'again', 'a strict transaction is not repeated')
    if (result.type === 'stored') this.#notes.strict(result.clock)
    return result
  }

  #count({ stream, closed, tail }: StreamAppend): void {
    const before = closed.length > 0 ? 0 : this.#single.get(stream)
    if (before !== undefined) this.#single.set(stream, before + (tail === undefined ? 0 : 1))
  }

  /** What lies beyond the hole of a replicated stream would be in the way of what is fetched again. */
  async #mend(stream: StreamId): Promise<AppendResult> {
    const state = await this.state(stream)
    if (state?.hole === true) await this.lower(stream, state.head.next, 'hole', 0)
    return { type: 'stale', stream }
  }
}

const recordsIn = async (transaction: Transaction, range?: KeyRange): Promise<readonly StreamRecord[]> => {
  const [keys, values] = await Promise.all([transaction.keys('streams', range), transaction.values('streams', range)])
  return keys.map((key, at) => withoutPlace(parseStoredStream(key as StreamId, values[at])))
}

const withoutPlace = ({ stream, revision, openFirst, start, branch, standing, closedBytes }: StoredStream): StreamRecord =>
  ({ stream, revision, openFirst, start, branch, standing, closedBytes })

/** A piece with the record of its stream, from one transaction. */
interface FoundPiece {
  readonly record: StoredStream
  /** Only where the offset lies in the part that was read. */
  readonly piece: () => Piece | undefined
}

const closedPieceOf = (stream: StreamId, offset: Offset, value: unknown): Piece => {
  const segment = unpackSegment(value)
  if (segment === undefined || segment.first + segment.events <= offset) throw unreadable(`the segment of ${stream} that holds offset ${offset}`)
  return { type: 'closed', first: segment.first, sealed: segment.sealed, deflated: segment.deflated }
}

const openPieceOf = (tail: Tail, offset: Offset): Piece | undefined => {
  const sealed = tail.appends.at(-1)?.sealed
  if (sealed === undefined || offset >= headOf(tail).next) return undefined
  return { type: 'open', first: tail.record.openFirst, sealed, body: bodyOf(tail.appends) }
}
