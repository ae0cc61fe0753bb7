import { equalBytes } from '../core/bytes.ts'
import type { Event, Meta, OwnNodeIds } from '../core/event.ts'
import { eventKeyToId } from '../core/event-key.ts'
import type { OffsetMap } from '../core/offset-map.ts'
import { streamIdToNodeId, type Lamport, type Offset, type StreamId } from '../core/ids.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { decodeUtf8 } from '../core/utf8.ts'
import { lastLamportOf, parseDecodedLine, parseLine, type EncodedBatch, type Line, type LineEvent, type LineFault } from './batch.ts'

const LINE_FEED = 0x0a

/** The lines of a body from byte `from` on, as views into it, each with its line feed (a last one without it too). */
export function* linesOf(body: Uint8Array, from = 0): Generator<Uint8Array> {
  for (let at = from; at < body.length; ) {
    const end = body.indexOf(LINE_FEED, at)
    const next = end < 0 ? body.length : end + 1
    yield body.subarray(at, next)
    at = next
  }
}

/** What the events of a line share. */
export interface LinePlace {
  readonly stream: StreamId
  /** Of the line's first event. */
  readonly lamport: Lamport
  readonly offset: Offset
  readonly timestampMicros: number
  readonly appId: string
  readonly isLocal: boolean
  readonly timestampAsDate: () => Date
}

export const placeOfLine = ([lamport, timestampMicros, appId]: Line, stream: StreamId, offset: Offset, isLocal: boolean): LinePlace =>
  ({ stream, lamport, offset, timestampMicros, appId, isLocal, timestampAsDate: () => new Date(timestampMicros / 1000) })

/** @param at which of the line's events */
const createMeta = (tags: readonly string[], basis: OffsetMap | null | undefined, line: LinePlace, at: number): Meta => {
  const { stream, timestampMicros, appId, isLocal, timestampAsDate } = line
  const lamport = line.lamport + at
  // Written out, not spread: this is done for every event that is read.
  const meta: Meta = { eventId: eventKeyToId({ lamport, stream }), lamport, stream, offset: line.offset + at, timestampMicros, appId, tags, isLocalEvent: isLocal, timestampAsDate }
  return basis === undefined ? meta : { ...meta, basis }
}

/** @param at which of the line's events it is */
export const createEvent = (event: LineEvent, line: LinePlace, at: number): Event => ({ meta: createMeta(event[0], event[2], line, at), payload: event[1] })

/** The events of one line. @param first offset of its first event */
export const eventsOfLine = (line: Line, stream: StreamId, first: Offset, own: OwnNodeIds): Event[] => {
  const place = placeOfLine(line, stream, first, own.has(streamIdToNodeId(stream)))
  return line[3].map((event, at) => createEvent(event, place, at))
}

/** What `publish` tells of its events. @param first offset of the first one */
export const metasOf = ({ firstLamport, timestampMicros, appId, labels }: EncodedBatch, stream: StreamId, first: Offset): readonly Meta[] => {
  const place = placeOfLine([firstLamport, timestampMicros, appId, []], stream, first, true)
  return labels.map(({ tags, basis }, at) => createMeta(tags, basis, place, at))
}

/** What the lines of a body, or of a part of it, add up to. */
export interface BodySummary {
  readonly events: number
  readonly firstLamport: Lamport
  readonly lastLamport: Lamport
  /** Last Lamport time of each line. */
  readonly lamports: readonly Lamport[]
  readonly minMicros: number
  readonly maxMicros: number
  readonly tags: ReadonlySet<string>
  readonly appIds: ReadonlySet<string>
}

/** Why a body is not valid: its author's fault. `line` counts from 0. */
export type BodyFault =
  | { readonly type: 'line'; readonly line: number; readonly fault: LineFault }
  /** Its first Lamport time is not above the one before. */
  | { readonly type: 'order'; readonly line: number }
  | { readonly type: 'empty' }

/**
 * Judges all lines of a body, or of a part that begins at a line: each valid, Lamport times rising.
 * @param lamportBefore last Lamport time before the first line; 0 for none
 */
export const readBody = (body: Uint8Array, lamportBefore: Lamport): Result<BodySummary, BodyFault> => {
  const sum = new BodySum(lamportBefore)
  // Decoded at once, for a call costs as much as a line; where that fails, line by line, so that the fault is found.
  const text = decodeUtf8(body)
  let [at, place] = [0, 0]
  while (at < body.length) {
    const end = body.indexOf(LINE_FEED, at) + 1 || body.length
    const placeEnd = text === undefined ? 0 : text.indexOf('\n', place) + 1 || text.length
    const parsed = text === undefined ? parseLine(body.subarray(at, end)) : parseDecodedLine(body.subarray(at, end), text.slice(place, placeEnd))
    if (!parsed.ok) return fail({ type: 'line', line: sum.lines, fault: parsed.error })
    const line = parsed.value
    if (line[0] <= sum.lastLamport) return fail({ type: 'order', line: sum.lines })
    sum.add({ firstLamport: line[0], lastLamport: lastLamportOf(line), timestampMicros: line[1], appId: line[2] })
    for (const event of line[3]) sum.addTags(event[0])
    at = end
    place = placeEnd
  }
  return sum.events === 0 ? fail({ type: 'empty' }) : ok(sum)
}

/** Adds lines up, in order. */
export class BodySum implements BodySummary {
  readonly lamports: Lamport[] = []
  readonly tags = new Set<string>()
  readonly appIds = new Set<string>()
  events = 0
  firstLamport = 0
  lastLamport: Lamport
  minMicros = Infinity
  maxMicros = -Infinity

  /** @param lamportBefore last Lamport time before the first line */
  constructor(lamportBefore: Lamport) {
    this.lastLamport = lamportBefore
  }

  get lines(): number {
    return this.lamports.length
  }

  /** One line without its tags. */
  add({ firstLamport, lastLamport, timestampMicros, appId }: Pick<EncodedBatch, 'firstLamport' | 'lastLamport' | 'timestampMicros' | 'appId'>): void {
    if (this.events === 0) this.firstLamport = firstLamport
    this.events += lastLamport - firstLamport + 1
    this.lastLamport = lastLamport
    this.lamports.push(lastLamport)
    this.minMicros = Math.min(this.minMicros, timestampMicros)
    this.maxMicros = Math.max(this.maxMicros, timestampMicros)
    this.appIds.add(appId)
  }

  addAll({ events, firstLamport, lastLamport, lamports, minMicros, maxMicros, tags, appIds }: BodySummary): void {
    if (this.events === 0) this.firstLamport = firstLamport
    this.events += events
    this.lastLamport = lastLamport
    this.lamports.push(...lamports)
    this.minMicros = Math.min(this.minMicros, minMicros)
    this.maxMicros = Math.max(this.maxMicros, maxMicros)
    for (const tag of tags) this.tags.add(tag)
    for (const appId of appIds) this.appIds.add(appId)
  }

  addTags(tags: readonly string[]): void {
    for (const tag of tags) this.tags.add(tag)
  }
}

/** Byte at which the line that begins with event number `count` of the body begins; `undefined` when no line begins there. */
export const byteOfEvent = (body: Uint8Array, count: number): number | undefined => {
  let [seen, at] = [0, 0]
  for (const bytes of linesOf(body)) {
    if (seen >= count) break
    const parsed = parseLine(bytes)
    if (!parsed.ok) return undefined
    seen += parsed.value[3].length
    at += bytes.length
  }
  return seen === count ? at : undefined
}

/** Events before the first line in which two bodies differ, or after which one of them ends. Both hold valid lines. */
export const firstDifference = (a: Uint8Array, b: Uint8Array): number => {
  const others = linesOf(b)
  let count = 0
  for (const bytes of linesOf(a)) {
    const other = others.next()
    const parsed = parseLine(bytes)
    if (other.done === true || !parsed.ok || !equalBytes(bytes, other.value)) break
    count += parsed.value[3].length
  }
  return count
}
