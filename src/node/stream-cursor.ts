import type { Event, OwnNodeIds } from '../core/event.ts'
import { compareEventKeys, type EventKey } from '../core/event-key.ts'
import { streamIdToNodeId, type Lamport, type Offset, type StreamId } from '../core/ids.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { decodeUtf8 } from '../core/utf8.ts'
import { matches, matchesAll, type Where } from '../core/where.ts'
import { StoreError } from '../store/errors.ts'
import type { EventStore, Piece } from '../store/event-store.ts'
import { parseStoredLine, type Line } from '../stream/batch.ts'
import { createEvent, placeOfLine } from '../stream/body.ts'
import { decodeHeader } from '../stream/header.ts'
import type { Order } from './node.ts'
import type { ReadTrace, Span } from './spans.ts'

/** Which events of a piece are wanted. */
export interface Selection {
  readonly where: Where
  /** Only events that sort after it. */
  readonly horizon: EventKey | undefined
  readonly order: Order
  readonly own: OwnNodeIds
  readonly trace: ReadTrace
}

export interface Pieces {
  readonly piece: EventStore['piece']
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

/** A body that is being walked through, line by line: what of it is wanted, and how far it is. */
interface Walk {
  readonly text: string
  /** Offsets of the body's events, `end` not included, and of the wanted ones among them. */
  readonly first: Offset
  readonly end: Offset
  readonly from: Offset
  readonly to: Offset
  /** The place between two lines where it goes on, and the offset of the event after that place. */
  place: number
  offset: Offset
}

/**
 * Walks through the wanted events of one stream in either order. Holds one body at a time, as text, and of that parses line by line;
 * the next piece is read ahead while one is walked through.
 * `key` is that of the next event where `event` is there, else a bound: no event that is still to come sorts before it (after it, when descending).
 */
export class StreamCursor {
  readonly #stream: StreamId
  readonly #pieces: Pieces
  readonly #selection: Selection
  readonly #ascending: boolean
  readonly #isLocal: boolean
  readonly #wantsAll: boolean
  /** Still to be read; the next one is last. */
  readonly #spans: Span[]
  /** Read ahead for the next span. */
  #ahead: { readonly span: Span; readonly walk: Promise<Result<Walk, unknown>> } | undefined
  #loads = 0
  #walk: Walk | undefined
  /** The wanted events of the present line that were not given yet, the next one last. */
  readonly #events: Event[] = []
  event: Event | undefined
  key: EventKey
  done = false

  /** @param spans in ascending order, at least one */
  constructor(stream: StreamId, spans: readonly Span[], pieces: Pieces, selection: Selection) {
    this.#stream = stream
    this.#pieces = pieces
    this.#selection = selection
    this.#ascending = selection.order === 'ascending'
    this.#isLocal = selection.own.has(streamIdToNodeId(stream))
    this.#wantsAll = matchesAll(selection.where)
    this.#spans = this.#ascending ? spans.toReversed() : [...spans]
    this.key = { lamport: 0, stream }
    this.#bound()
  }

  /** Goes on to the next event of what is loaded. */
  advance(): void {
    while (this.#events.length === 0 && this.#walk !== undefined) this.#step(this.#walk)
    this.event = this.#events.pop()
    if (this.event === undefined) this.#bound()
    else this.key = this.event.meta
  }

  /** Loads the next piece. */
  async load(): Promise<void> {
    const span = this.#spans.pop()
    if (span === undefined) return this.#bound()
    const walk = await this.#take(span)
    const rest = this.#ascending ? { ...span, first: walk.to, segmentFirst: walk.to } : { ...span, end: walk.from }
    if (rest.first < rest.end) this.#spans.push(rest)
    // Who reads one piece may have seen enough; who comes for a second one reads on.
    if (this.#loads++ > 0) this.#readAhead()
    this.#walk = walk
    this.advance()
  }

  /** Begins to read the next piece, if none is held and what `other` reads now does not end before it begins. */
  loadAhead(other: StreamCursor): void {
    if (this.event === undefined && this.#ahead === undefined && other.#reaches(this.key.lamport)) this.#readAhead()
  }

  /** Whether the piece to be read next may hold events beyond this Lamport time. */
  #reaches(lamport: Lamport): boolean {
    const span = this.#spans.at(-1)
    return span !== undefined && (this.#ascending ? span.lastLamport >= lamport : span.firstLamport <= lamport)
  }

  #bound(): void {
    const span = this.#spans.at(-1)
    this.done = span === undefined
    if (span !== undefined) this.key = { lamport: this.#ascending ? span.firstLamport : span.lastLamport, stream: this.#stream }
  }

  async #take(span: Span): Promise<Walk> {
    const ahead = this.#ahead
    this.#ahead = undefined
    if (ahead?.span !== span) return this.#read(span)
    const read = await ahead.walk
    if (!read.ok) throw read.error
    return read.value
  }

  #readAhead(): void {
    const span = this.#spans.at(-1)
    // An error waits for whoever takes it.
    if (span !== undefined) this.#ahead = { span, walk: this.#read(span).then(ok, fail) }
  }

  async #read(span: Span): Promise<Walk> {
    const offset = this.#ascending ? span.first : span.end - 1
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
    if (piece.type === 'open') this.#selection.trace.openSegmentsRead++
    else this.#selection.trace.segmentsOpened++
    const text = decodeUtf8(body)
    if (text === undefined) throw unreadable('its body is no text')
    const { first } = piece
    const end = first + header.value.events
    if (header.value.first !== first || offset < first || offset >= end) throw unreadable('its header is not that of this place')
    return this.#begin({ text, first, end, from: Math.max(span.first, first), to: Math.min(span.end, end) })
  }

  /** Begins at that end of the body from which the order goes on; to come to `from` in the middle, at the end that is nearer to it, as it is for what has just been added. */
  #begin(part: Omit<Walk, 'place' | 'offset'>): Walk {
    const { text, first, end, from } = part
    const last = { ...part, place: text.length, offset: end }
    if (!this.#ascending) return last
    if (end - from >= from - first) return { ...part, place: 0, offset: first }
    while (last.offset > from) this.#lineBefore(last)
    return last
  }

  /** Takes the wanted events of the next line. */
  #step(walk: Walk): void {
    if (this.#ascending) {
      const first = walk.offset
      this.#select(this.#lineAfter(walk), first, walk)
      this.#events.reverse()
      if (walk.offset >= walk.to) this.#walk = undefined
    } else {
      this.#select(this.#lineBefore(walk), walk.offset, walk)
      if (walk.offset <= walk.from) this.#walk = undefined
    }
  }

  #lineAfter(walk: Walk): Line {
    const end = walk.text.indexOf('\n', walk.place) + 1
    const line = this.#parse(walk, walk.place, end)
    walk.place = end
    walk.offset += line[3].length
    if (walk.offset > walk.end) throw this.#contradicts(walk)
    return line
  }

  #lineBefore(walk: Walk): Line {
    const begin = walk.place < 2 ? 0 : walk.text.lastIndexOf('\n', walk.place - 2) + 1
    const line = this.#parse(walk, begin, walk.place)
    walk.place = begin
    walk.offset -= line[3].length
    if (walk.offset < walk.first) throw this.#contradicts(walk)
    return line
  }

  #parse({ text, first }: Walk, from: number, to: number): Line {
    if (from >= to) throw new UnreadableError(this.#stream, first, 'it has fewer lines than its header says')
    const line = parseStoredLine(text.slice(from, to))
    if (line === undefined) throw new UnreadableError(this.#stream, first, 'a line cannot be read')
    return line
  }

  #contradicts({ first }: Walk): UnreadableError {
    return new UnreadableError(this.#stream, first, 'its lines do not add up to its header')
  }

  #select(line: Line, first: Offset, { from, to }: Walk): void {
    const { where, horizon } = this.#selection
    const [lamport, timestampMicros, appId, events] = line
    const place = placeOfLine(line, this.#stream, first, this.#isLocal)
    for (let at = Math.max(0, from - first); at < events.length && first + at < to; at++) {
      const event = events[at]
      if (event === undefined || !(this.#wantsAll || matches(where, { tags: event[0], appId, isLocal: this.#isLocal, lamport: lamport + at, timestampMicros }))) continue
      if (horizon === undefined || compareEventKeys({ lamport: lamport + at, stream: this.#stream }, horizon) > 0) this.#events.push(createEvent(event, place, at))
    }
  }
}
