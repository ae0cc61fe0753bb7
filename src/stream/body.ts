import { equalBytes } from '../core/bytes.ts'
import type { Event, Meta, OwnNodeIds } from '../core/event.ts'
import { eventKeyToId } from '../core/event-key.ts'
import { streamIdToNodeId, type Lamport, type Offset, type StreamId } from '../core/ids.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { lastLamportOf, parseLine, type Line, type LineEvent, type LineFault } from './batch.ts'

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

/** What an event has of its line and place. */
export interface EventPlace {
  readonly lamport: Lamport
  readonly stream: StreamId
  readonly offset: Offset
  readonly timestampMicros: number
  readonly appId: string
  readonly isLocal: boolean
  readonly timestampAsDate: () => Date
}

export const createEvent = ([tags, payload, basis]: LineEvent, place: EventPlace): Event => {
  const { lamport, stream, offset, timestampMicros, appId, isLocal, timestampAsDate } = place
  // Written out, not spread: this is done for every event that is read.
  const meta: Meta = { eventId: eventKeyToId(place), lamport, stream, offset, timestampMicros, appId, tags, isLocalEvent: isLocal, timestampAsDate }
  return { meta: basis === undefined ? meta : { ...meta, basis }, payload }
}

/** The events of one line. @param first offset of its first event */
export const eventsOfLine = (line: Line, stream: StreamId, first: Offset, own: OwnNodeIds): Event[] => {
  const [lamport, timestampMicros, appId, events] = line
  const isLocal = own.has(streamIdToNodeId(stream))
  const timestampAsDate = (): Date => new Date(timestampMicros / 1000)
  return events.map((event, at) => createEvent(event, { lamport: lamport + at, stream, offset: first + at, timestampMicros, appId, isLocal, timestampAsDate }))
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
  const lamports: Lamport[] = []
  const tags = new Set<string>()
  const appIds = new Set<string>()
  let [events, firstLamport, lastLamport, minMicros, maxMicros] = [0, 0, lamportBefore, Infinity, -Infinity]
  for (const bytes of linesOf(body)) {
    const parsed = parseLine(bytes)
    if (!parsed.ok) return fail({ type: 'line', line: lamports.length, fault: parsed.error })
    const line = parsed.value
    if (line[0] <= lastLamport) return fail({ type: 'order', line: lamports.length })
    if (events === 0) firstLamport = line[0]
    events += line[3].length
    lastLamport = lastLamportOf(line)
    lamports.push(lastLamport)
    minMicros = Math.min(minMicros, line[1])
    maxMicros = Math.max(maxMicros, line[1])
    appIds.add(line[2])
    for (const event of line[3]) for (const tag of event[0]) tags.add(tag)
  }
  if (events === 0) return fail({ type: 'empty' })
  return ok({ events, firstLamport, lastLamport, lamports, minMicros, maxMicros, tags, appIds })
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
