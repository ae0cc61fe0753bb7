import type { OwnNodeIds } from '../core/event.ts'
import { streamIdToNodeId, type Lamport, type Offset, type StreamId } from '../core/ids.ts'
import type { Where } from '../core/where.ts'
import { entriesOf, mayMatch, probeOf, type SummaryEntry } from '../stream/summary.ts'

/** A run of one stream's events that may hold what is asked for. */
export interface Span {
  /** First offset, and the one after the last. */
  readonly first: Offset
  readonly end: Offset
  /** No event in it has a lower Lamport time, none a higher one. */
  readonly firstLamport: Lamport
  readonly lastLamport: Lamport
  /** Where the segment begins that `first` lies in. */
  readonly segmentFirst: Offset
}

/** What is asked of one stream: offsets from `first` up to but without `end`. */
export interface Range {
  readonly stream: StreamId
  readonly first: Offset
  readonly end: Offset
  /** First offset of the open segment, as far as is known; what lies before it is closed. */
  readonly openFirst: Offset
  /** Last Lamport time of the stream. */
  readonly lastLamport: Lamport
}

/** What a read did, counted while it goes on. */
export interface ReadTrace {
  /** With events within the bounds. */
  streams: number
  /** Closed segments within the bounds, and those of them that their summaries rule out. */
  segments: number
  segmentsSkipped: number
  /** Read from disk and inflated. */
  segmentsOpened: number
  openSegmentsRead: number
}

export const emptyTrace = (): ReadTrace => ({ streams: 0, segments: 0, segmentsSkipped: 0, segmentsOpened: 0, openSegmentsRead: 0 })

/** The summaries of closed segments by stream, in ascending order of offset; of two that overlap the one written later counts. */
export type Summaries = ReadonlyMap<StreamId, readonly SummaryEntry[]>

const entriesByPage = new WeakMap<Uint8Array, readonly SummaryEntry[]>()

/** Taken apart once for as long as the page is held. */
const entriesIn = (page: Uint8Array): readonly SummaryEntry[] => {
  const entries = entriesByPage.get(page) ?? [...entriesOf(page)]
  entriesByPage.set(page, entries)
  return entries
}

/** @param pages in the order in which they were written */
export const readSummaries = (pages: readonly Uint8Array[], wanted: ReadonlySet<StreamId>): Summaries => {
  const byStream = new Map<StreamId, SummaryEntry[]>()
  for (const page of pages) {
    for (const entry of entriesIn(page)) {
      const stream = entry.stream
      if (!wanted.has(stream)) continue
      const entries = byStream.get(stream) ?? []
      byStream.set(stream, insert(entries, entry))
    }
  }
  return byStream
}

const insert = (entries: SummaryEntry[], entry: SummaryEntry): SummaryEntry[] => {
  const last = entries.at(-1)
  if (last === undefined || last.first + last.events <= entry.first) {
    entries.push(entry)
    return entries
  }
  // A stream that was lowered has been filled again from here.
  const others = entries.filter((older) => older.first >= entry.first + entry.events || older.first + older.events <= entry.first)
  return [...others, entry].sort((a, b) => a.first - b.first)
}

/**
 * The spans of a range in ascending order, without the closed segments that cannot match.
 * A closed segment without a summary is kept: whoever reads it finds out.
 */
export const spansOf = (range: Range, entries: readonly SummaryEntry[], where: Where, own: OwnNodeIds, trace = emptyTrace()): readonly Span[] => {
  const probe = probeOf(where)
  const isLocal = own.has(streamIdToNodeId(range.stream))
  const closedEnd = Math.min(range.end, range.openFirst)
  const spans: Span[] = []
  let at = 0
  let lamport = 0
  const add = (segmentFirst: Offset, end: Offset, lastLamport: Lamport) => {
    const first = Math.max(segmentFirst, range.first)
    const cutEnd = Math.min(end, range.end)
    if (first < cutEnd) spans.push({ first, end: cutEnd, firstLamport: lamport + 1, lastLamport, segmentFirst })
  }
  for (const entry of entries) {
    if (entry.first >= closedEnd) break
    if (entry.first > at) add(at, entry.first, entry.firstLamport - 1)
    lamport = entry.firstLamport - 1
    const isWithin = entry.first + entry.events > range.first
    const isWanted = isWithin && mayMatch(entry, probe, isLocal)
    if (isWanted) add(entry.first, entry.first + entry.events, entry.lastLamport)
    trace.segments += Number(isWithin)
    trace.segmentsSkipped += Number(isWithin && !isWanted)
    lamport = entry.lastLamport
    at = entry.first + entry.events
  }
  trace.streams++
  if (at < closedEnd) add(at, range.openFirst, range.lastLamport)
  add(Math.max(at, range.openFirst), range.end, range.lastLamport)
  return spans
}
