import type { Event, OwnNodeIds } from '../core/event.ts'
import { compareEventKeys, type EventKey } from '../core/event-key.ts'
import { streamIdToNodeId, type Offset, type StreamId } from '../core/ids.ts'
import { matches, type Where } from '../core/where.ts'
import { StoreError } from '../store/errors.ts'
import type { Piece } from '../store/event-store.ts'
import { parseLine, type Line } from '../stream/batch.ts'
import { eventsOfLine, linesOf } from '../stream/body.ts'
import { decodeHeader } from '../stream/header.ts'
import type { Order } from './node.ts'
import type { Span } from './spans.ts'

/** Which events of a piece are wanted. */
export interface Selection {
  readonly where: Where
  /** Only events that sort after it. */
  readonly horizon: EventKey | undefined
  readonly order: Order
  readonly own: OwnNodeIds
}

export interface Pieces {
  readonly piece: (stream: StreamId, offset: Offset) => Promise<Piece | undefined>
  readonly inflate: (bytes: Uint8Array, length: number) => Promise<Uint8Array | undefined>
}

/** What could not be read: `first` is where its segment begins. */
export class UnreadableError extends StoreError {
  readonly stream: StreamId
  readonly first: Offset
  constructor(stream: StreamId, first: Offset, why: string, options?: { readonly cause?: unknown }) {
    super('STORE-UNREADABLE', `events of ${stream} from offset ${first} on cannot be read: ${why}`, options)
    this.stream = stream
    this.first = first
  }
}

/**
 * Walks through the wanted events of one stream in either order. Holds one inflated body at a time, and of that parses line by line.
 * `key` is that of the next event where `event` is there, else a bound: no event that is still to come sorts before it (after it, when descending).
 */
export class StreamCursor {
  readonly #stream: StreamId
  readonly #pieces: Pieces
  readonly #selection: Selection
  /** Still to be read; the next one is last. */
  readonly #spans: Span[]
  #events: Iterator<Event> = [].values()
  event: Event | undefined
  key: EventKey
  done = false

  /** @param spans in ascending order, at least one */
  constructor(stream: StreamId, spans: readonly Span[], pieces: Pieces, selection: Selection) {
    this.#stream = stream
    this.#pieces = pieces
    this.#selection = selection
    this.#spans = selection.order === 'ascending' ? spans.toReversed() : [...spans]
    this.key = { lamport: 0, stream }
    this.#bound()
  }

  /** Goes on to the next event of what is loaded. */
  advance(): void {
    const next = this.#events.next()
    this.event = next.done === true ? undefined : next.value
    if (this.event === undefined) this.#bound()
    else this.key = this.event.meta
  }

  /** Loads the next piece. */
  async load(): Promise<void> {
    const span = this.#spans.pop()
    if (span === undefined) return this.#bound()
    const { body, first, end } = await this.#read(span)
    const from = Math.max(span.first, first)
    const to = Math.min(span.end, end)
    const rest = this.#selection.order === 'ascending' ? { ...span, first: to, segmentFirst: to } : { ...span, end: from }
    if (rest.first < rest.end) this.#spans.push(rest)
    this.#events = this.#select(body, { first, end, from, to })
    this.advance()
  }

  #bound(): void {
    const span = this.#spans.at(-1)
    this.done = span === undefined
    if (span !== undefined) this.key = { lamport: this.#selection.order === 'ascending' ? span.firstLamport : span.lastLamport, stream: this.#stream }
  }

  async #read(span: Span): Promise<{ readonly body: Uint8Array; readonly first: Offset; readonly end: Offset }> {
    const offset = this.#selection.order === 'ascending' ? span.first : span.end - 1
    const unreadable = (why: string, cause?: unknown) => new UnreadableError(this.#stream, piece?.first ?? span.segmentFirst, why, { cause })
    let piece: Piece | undefined
    try {
      piece = await this.#pieces.piece(this.#stream, offset)
    } catch (error) {
      throw error instanceof StoreError && error.code === 'STORE-UNREADABLE' ? unreadable(error.message, error) : error
    }
    // No hole: the stream was lowered or has ended since its head was read.
    if (piece === undefined) throw new StoreError('STORE-UNREADABLE', `offset ${offset} of ${this.#stream} is no longer held; ask again`)
    const header = decodeHeader(piece.sealed.header)
    if (!header.ok) throw unreadable(`its header is ${header.error}`)
    const body = piece.type === 'open' ? piece.body : await this.#pieces.inflate(piece.deflated, header.value.bodyBytes)
    if (body === undefined) throw unreadable('its body does not inflate')
    const end = piece.first + header.value.events
    if (header.value.first !== piece.first || offset < piece.first || offset >= end) throw unreadable('its header is not that of this place')
    return { body, first: piece.first, end }
  }

  /** The wanted events of a body that holds offsets from `first` up to but without `end`: those from `from` up to but without `to`. */
  *#select(body: Uint8Array, range: { readonly first: Offset; readonly end: Offset; readonly from: Offset; readonly to: Offset }): Generator<Event, undefined> {
    const ascending = this.#selection.order === 'ascending'
    const begin = ascending ? this.#beginOf(body, range) : { byte: 0, at: range.end }
    let { at } = begin
    for (const bytes of ascending ? linesOf(body.subarray(begin.byte)) : linesBackwards(body)) {
      const line = this.#parse(bytes, range.first)
      const count = line[3].length
      const first = ascending ? at : at - count
      at = ascending ? at + count : first
      if (first < range.first || first + count > range.end) throw new UnreadableError(this.#stream, range.first, 'its lines do not add up to its header')
      if (first < range.to && first + count > range.from) yield* this.#eventsOf(line, first, range)
      if (ascending ? at >= range.to : at <= range.from) return undefined
    }
    throw new UnreadableError(this.#stream, range.first, 'it has fewer lines than its header says')
  }

  /** Where to begin, to come to `from`: at the line that holds it, where that is nearer to the end, as it is for what has just been added. */
  #beginOf(body: Uint8Array, { first, end, from }: { readonly first: Offset; readonly end: Offset; readonly from: Offset }): { readonly byte: number; readonly at: Offset } {
    if (end - from >= from - first) return { byte: 0, at: first }
    let [byte, at] = [body.length, end]
    for (const bytes of linesBackwards(body)) {
      byte -= bytes.length
      at -= this.#parse(bytes, first)[3].length
      if (at <= from) break
    }
    return { byte, at }
  }

  #parse(bytes: Uint8Array, segmentFirst: Offset): Line {
    const parsed = parseLine(bytes)
    if (!parsed.ok) throw new UnreadableError(this.#stream, segmentFirst, `a line is not valid: ${parsed.error}`)
    return parsed.value
  }

  *#eventsOf(line: Line, first: Offset, { from, to }: { readonly from: Offset; readonly to: Offset }): Generator<Event> {
    const { where, horizon, own, order } = this.#selection
    const [lamport, timestampMicros, appId, events] = line
    const isLocal = own.has(streamIdToNodeId(this.#stream))
    for (let step = 0; step < events.length; step++) {
      const at = order === 'ascending' ? step : events.length - 1 - step
      const event = events[at]
      if (event === undefined || first + at < from || first + at >= to) continue
      if (!matches(where, { tags: event[0], appId, isLocal })) continue
      if (horizon !== undefined && compareEventKeys({ lamport: lamport + at, stream: this.#stream }, horizon) <= 0) continue
      yield* eventsOfLine([lamport + at, timestampMicros, appId, [event]], this.#stream, first + at, own)
    }
  }
}

/** The lines of a body, last one first. */
function* linesBackwards(body: Uint8Array): Generator<Uint8Array> {
  for (let end = body.length; end > 0; ) {
    const at = end < 2 ? 0 : body.lastIndexOf(0x0a, end - 2) + 1
    yield body.subarray(at, end)
    end = at
  }
}
