import type { Event, OwnNodeIds } from '../core/event.ts'
import { compareEventKeys } from '../core/event-key.ts'
import type { StreamId } from '../core/ids.ts'
import { lastOf } from '../core/offset-map.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { allEvents, normaliseWhere } from '../core/where.ts'
import type { EventStore, HeldHead, Piece } from '../store/event-store.ts'
import type { StreamCrypto } from '../stream/crypto.ts'
import type { Order, Query } from './node.ts'
import { createMerge } from './merge.ts'
import { readSummaries, spansOf, type Range } from './spans.ts'
import { StreamCursor, UnreadableError, type Pieces, type Selection } from './stream-cursor.ts'

/** Newest state of each stream that holds an event. */
export type Heads = ReadonlyMap<StreamId, HeldHead>

/** Reads events from disk, in order. */
export interface Reader {
  /** Lazily: a segment is opened when its first Lamport time is reached. @param heads what counts as present; default: what is, when called */
  readonly query: (query: Query, order: Order, heads?: Heads) => AsyncIterable<Event>
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
  return {
    heads: store.heads,
    query: (query, order, heads) => {
      // Looked up now, though read later: what comes after the call is not part of it. An error waits for whoever iterates.
      const present = heads === undefined ? store.heads().then(ok, fail) : Promise.resolve(ok(heads))
      return { [Symbol.asyncIterator]: () => read(store, pieces, options, { query, order, present }) }
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

interface Asked {
  readonly query: Query
  readonly order: Order
  readonly present: Promise<Result<Heads, unknown>>
}

async function* read(store: EventStore, pieces: Pieces, options: ReaderOptions, asked: Asked): AsyncGenerator<Event, undefined> {
  const { query, order } = asked
  const selection: Selection = { where: normaliseWhere(query.where ?? allEvents), horizon: query.horizon, order, own: options.own() }
  const cursors: StreamCursor[] = []
  const present = await asked.present
  if (!present.ok) throw present.error
  for (const [stream, spans] of await plan(store, query, present.value, selection)) {
    if (spans.length > 0) cursors.push(new StreamCursor(stream, spans, pieces, selection))
  }
  const sign = order === 'ascending' ? 1 : -1
  const merge = createMerge(cursors, (a, b) => sign * compareEventKeys(a.key, b.key) < 0)
  try {
    for (let cursor = merge.first(); cursor !== undefined; cursor = merge.first()) {
      if (cursor.event === undefined) await cursor.load()
      else {
        yield cursor.event
        cursor.advance()
      }
      if (cursor.done) merge.removeFirst()
      else merge.firstChanged()
    }
  } catch (error) {
    if (error instanceof UnreadableError) await options.unreadable(error)
    throw error
  }
  return undefined
}

const plan = async (store: EventStore, query: Query, heads: Heads, { where, horizon, own }: Selection) => {
  // Heads before summaries: a segment that closes between the two is then in the summaries, not missing.
  const ranges = [...heads].flatMap(([stream, head]): Range[] => {
    const bound = Math.min(head.next - 1, query.upperBound === undefined ? Infinity : lastOf(query.upperBound, stream))
    const first = Math.max(lastOf(query.lowerBound ?? {}, stream) + 1, head.start)
    return first > bound ? [] : [{ stream, first, end: bound + 1, openFirst: head.openFirst, lastLamport: head.lamport }]
  })
  const closed = ranges.filter((range) => range.first < range.openFirst).map(({ stream }) => stream)
  const summaries = closed.length === 0 ? undefined : readSummaries(await store.summaries(), new Set<StreamId>(closed))
  return ranges.map((range) => {
    const spans = spansOf(range, summaries?.get(range.stream) ?? [], where, own)
    return [range.stream, horizon === undefined ? spans : spans.filter((span) => span.lastLamport >= horizon.lamport)] as const
  })
}
