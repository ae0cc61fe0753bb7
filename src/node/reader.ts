import type { Event, OwnNodeIds } from '../core/event.ts'
import { compareEventKeys } from '../core/event-key.ts'
import type { Offset, StreamId } from '../core/ids.ts'
import { lastOf, type OffsetMap } from '../core/offset-map.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { allEvents, normaliseWhere } from '../core/where.ts'
import type { EventStore, HeldHead, Piece } from '../store/event-store.ts'
import type { StreamCrypto } from '../stream/crypto.ts'
import type { Order, Query } from './node.ts'
import { createMerge, type Merge } from './merge.ts'
import { emptyTrace, readSummaries, spansOf, type Range, type ReadTrace } from './spans.ts'
import { StreamCursor, UnreadableError, type Pieces, type Selection } from './stream-cursor.ts'

/** Newest state of each stream that holds an event. */
export type Heads = ReadonlyMap<StreamId, HeldHead>

/** Highest offsets present, cut to `bound` where there is one. */
export const presentWithin = (heads: Heads, bound: OffsetMap | undefined): OffsetMap => {
  const cut: Record<StreamId, Offset> = {}
  for (const [stream, { next }] of heads) {
    const last = bound === undefined ? Infinity : lastOf(bound, stream)
    if (last >= 0) cut[stream] = Math.min(next - 1, last)
  }
  return cut
}

/** Reads events from disk, in order. */
export interface Reader {
  /**
   * Lazily: a segment is opened when its first Lamport time is reached.
   * @param heads what counts as present; default: what is, when called @param trace counts what is done
   */
  readonly query: (query: Query, order: Order, heads?: Heads, trace?: ReadTrace) => AsyncIterable<Event>
  readonly heads: () => Promise<Heads>
}

export interface ReaderDevices {
  readonly store: EventStore
  readonly crypto: Pick<StreamCrypto, 'inflate'>
}

export interface ReaderOptions {
  readonly own: () => OwnNodeIds
  /** Told of what cannot be read before the reader throws it: a hole, to be fetched again. */
  readonly unreadable: (error: UnreadableError) => Promise<void>
}

export const createReader = ({ store, crypto }: ReaderDevices, options: ReaderOptions): Reader => {
  const pieces: Pieces = { piece: shared(store.piece), inflate: crypto.inflate }
  const begun: Begun = { summaries: rememberPages(store.summaries), pieces }
  return {
    heads: store.heads,
    query: (query, order, heads, trace = emptyTrace()) => {
      // Looked up now, though read later: what comes after the call is not part of it. An error waits for whoever iterates.
      const present = heads === undefined ? store.heads().then(ok, fail) : Promise.resolve(ok(heads))
      return { [Symbol.asyncIterator]: () => new EventIterator(() => begin(begun, options.own(), { query, order, present, trace }), options.unreadable) }
    },
  }
}

/** Readers that follow the same streams ask for the same piece at once: it is read for all of them. One that has less than is there by now is read on from. */
const shared = (read: EventStore['piece']): EventStore['piece'] => {
  const underWay = new Map<string, Promise<Piece | undefined>>()
  return (stream, offset) => {
    const key = `${stream}@${offset}`
    const reading = underWay.get(key) ?? read(stream, offset).finally(() => underWay.delete(key))
    underWay.set(key, reading)
    return reading
  }
}

/** Pages of summaries that will not change any more are read once: some 900 bytes for each segment. One read in vain, where a page cannot be read, harms nothing. */
const rememberPages = (read: EventStore['summaries']): (() => Promise<readonly Uint8Array[]>) => {
  let known: readonly Uint8Array[] = []
  return async () => {
    const before = known
    const pages = [...before, ...(await read(before.length))]
    if (pages.length > known.length) known = pages.slice(0, -1)
    return pages
  }
}

/** Shared by all queries. */
interface Begun {
  readonly summaries: () => Promise<readonly Uint8Array[]>
  readonly pieces: Pieces
}

interface Asked {
  readonly query: Query
  readonly order: Order
  readonly present: Promise<Result<Heads, unknown>>
  readonly trace: ReadTrace
}

/** Pieces read at the same time, at most. */
const LOADED_AHEAD = 6

/**
 * The events of one query. What is parsed already is given without a turn of the event loop, which a generator would take for each event.
 * One `next` at a time is under way, as with a generator: further calls wait for it.
 */
class EventIterator implements AsyncIterator<Event, undefined> {
  readonly #begin: () => Promise<Merge<StreamCursor>>
  readonly #unreadable: ReaderOptions['unreadable']
  #merge: Merge<StreamCursor> | undefined
  /** The last `next` that had to wait, and all that came while it did. */
  #turn: Promise<unknown> | undefined
  #ended = false
  #loads = 0

  constructor(begin: () => Promise<Merge<StreamCursor>>, unreadable: ReaderOptions['unreadable']) {
    this.#begin = begin
    this.#unreadable = unreadable
  }

  next(): Promise<IteratorResult<Event, undefined>> {
    const event = this.#turn === undefined ? this.#atHand() : undefined
    return event === undefined ? this.#inTurn(() => this.#search()) : Promise.resolve({ done: false, value: event })
  }

  return(): Promise<IteratorResult<Event, undefined>> {
    return this.#inTurn(async () => this.#end())
  }

  #inTurn(work: () => Promise<IteratorResult<Event, undefined>>): Promise<IteratorResult<Event, undefined>> {
    const result = this.#turn === undefined ? work() : this.#turn.then(work, work)
    const turn: Promise<unknown> = result.then(() => undefined, () => undefined).then(() => {
      if (this.#turn === turn) this.#turn = undefined
    })
    this.#turn = turn
    return result
  }

  #end(): IteratorResult<Event, undefined> {
    this.#ended = true
    this.#merge = undefined
    return { done: true, value: undefined }
  }

  /** The next event, unless something has to be loaded first. */
  #atHand(): Event | undefined {
    const cursor = this.#merge?.first()
    const event = cursor?.event
    if (cursor === undefined || event === undefined) return undefined
    cursor.advance()
    this.#moved(cursor)
    return event
  }

  async #search(): Promise<IteratorResult<Event, undefined>> {
    if (this.#ended) return this.#end()
    try {
      this.#merge ??= await this.#begin()
      for (let cursor = this.#merge.first(); cursor !== undefined; cursor = this.#merge.first()) {
        const event = this.#atHand()
        if (event !== undefined) return { done: false, value: event }
        await this.#load(cursor)
      }
      return this.#end()
    } catch (error) {
      this.#end()
      if (error instanceof UnreadableError) await this.#unreadable(error)
      throw error
    }
  }

  /** Whoever comes for a second piece comes for more: what lies beside it in the order is then read together with it. */
  async #load(cursor: StreamCursor): Promise<void> {
    if (this.#loads++ > 0) for (const next of this.#merge?.near(LOADED_AHEAD) ?? []) next.loadAhead(cursor)
    await cursor.load()
    this.#moved(cursor)
  }

  #moved(cursor: StreamCursor): void {
    if (cursor.done) this.#merge?.removeFirst()
    else this.#merge?.firstChanged()
  }
}

const begin = async ({ summaries, pieces }: Begun, own: OwnNodeIds, { query, order, present, trace }: Asked): Promise<Merge<StreamCursor>> => {
  const selection: Selection = { where: normaliseWhere(query.where ?? allEvents), horizon: query.horizon, order, own, trace }
  const heads = await present
  if (!heads.ok) throw heads.error
  const cursors: StreamCursor[] = []
  for (const [stream, spans] of await plan(summaries, query, heads.value, selection)) {
    if (spans.length > 0) cursors.push(new StreamCursor(stream, spans, pieces, selection))
  }
  const sign = order === 'ascending' ? 1 : -1
  return createMerge(cursors, (a, b) => sign * compareEventKeys(a.key, b.key) < 0)
}

const plan = async (readPages: Begun['summaries'], query: Query, heads: Heads, { where, horizon, own, trace }: Selection) => {
  // Heads before summaries: a segment that closes between the two is then in the summaries, not missing.
  const ranges = [...heads].flatMap(([stream, head]): Range[] => {
    const bound = Math.min(head.next - 1, query.upperBound === undefined ? Infinity : lastOf(query.upperBound, stream))
    const first = Math.max(lastOf(query.lowerBound ?? {}, stream) + 1, head.start)
    return first > bound ? [] : [{ stream, first, end: bound + 1, openFirst: head.openFirst, lastLamport: head.lamport }]
  })
  const closed = ranges.filter((range) => range.first < range.openFirst).map(({ stream }) => stream)
  const summaries = closed.length === 0 ? undefined : readSummaries(await readPages(), new Set<StreamId>(closed))
  return ranges.map((range) => {
    const spans = spansOf(range, summaries?.get(range.stream) ?? [], where, own, trace)
    return [range.stream, horizon === undefined ? spans : spans.filter((span) => span.lastLamport >= horizon.lamport)] as const
  })
}
