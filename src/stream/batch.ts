import { assert } from '../core/assert.ts'
import type { TaggedEvent } from '../core/event.ts'
import { parseStreamId, type Lamport } from '../core/ids.ts'
import { isPlainObject, isWithinDepth, whyNotJson } from '../core/json.ts'
import type { JsonValue } from '../core/json.ts'
import { LAMPORT_MAX } from '../core/lamport.ts'
import type { OffsetMap } from '../core/offset-map.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { APP_ID_BYTES_MAX, isAppId, isTag, normaliseTag, TAG_BYTES_MAX, TAG_COUNT_MAX } from '../core/tags.ts'
import { decodeUtf8, encodeUtf8, utf8Length } from '../core/utf8.ts'

/** With its line feed. */
export const LINE_BYTES_MAX = 128 * 1024
export const EVENT_COUNT_MAX = 65_536
export const DEPTH_MAX = 64
export const BASIS_COUNT_MAX = 64

const LINE_FEED = 0x0a
/** The line, its list of events and the event lie around a payload. */
const PAYLOAD_DEPTH_MAX = DEPTH_MAX - 3

/** An event within a line. Elements beyond these belong to later versions: kept in the bytes, not looked at. */
export type LineEvent = readonly [tags: readonly string[], payload: JsonValue, basis?: OffsetMap | null, ...later: unknown[]]

/** A line, parsed: one batch. The first event has this Lamport time, each following one the next. */
export type Line = readonly [lamport: Lamport, timestampMicros: number, appId: string, events: readonly LineEvent[], ...later: unknown[]]

/** Why a line is not valid. @see FORMAT.md [F4] to [F13] */
export type LineFault =
  | 'too-long' | 'not-ended' | 'utf-8' | 'depth' | 'json' | 'shape' | 'lamport' | 'timestamp' | 'app-id' | 'event-count' | 'event' | 'tag-count' | 'tag' | 'basis'

/** Lamport time of the last event. */
export const lastLamportOf = (line: Line): Lamport => line[0] + line[3].length - 1

const isOffset = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0

const isBasis = (value: unknown): boolean => {
  if (value === null) return true
  if (!isPlainObject(value)) return false
  const entries = Object.entries(value)
  return entries.length <= BASIS_COUNT_MAX && entries.every(([stream, offset]) => parseStreamId(stream) !== undefined && isOffset(offset))
}

const faultOfEvent = (event: unknown): LineFault | undefined => {
  if (!Array.isArray(event) || event.length < 2) return 'event'
  const tags: unknown = event[0]
  if (!Array.isArray(tags)) return 'event'
  if (tags.length > TAG_COUNT_MAX) return 'tag-count'
  for (const tag of tags) if (!isTag(tag)) return 'tag'
  return event.length > 2 && !isBasis(event[2]) ? 'basis' : undefined
}

/** All but the events themselves. */
const faultOfFrame = (lamport: unknown, timestampMicros: unknown, appId: unknown, count: number): LineFault | undefined => {
  if (count < 1 || count > EVENT_COUNT_MAX) return 'event-count'
  if (typeof lamport !== 'number' || !Number.isSafeInteger(lamport) || lamport < 1 || lamport + count - 1 > LAMPORT_MAX) return 'lamport'
  if (!isOffset(timestampMicros)) return 'timestamp'
  return isAppId(appId) ? undefined : 'app-id'
}

const faultOfValue = (value: unknown): LineFault | undefined => {
  if (!Array.isArray(value) || value.length < 4) return 'shape'
  const events: unknown = value[3]
  if (!Array.isArray(events)) return 'shape'
  const frameFault = faultOfFrame(value[0], value[1], value[2], events.length)
  if (frameFault !== undefined) return frameFault
  for (const event of events) {
    const fault = faultOfEvent(event)
    if (fault !== undefined) return fault
  }
  return undefined
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * The one judgement on a line, a function of its bytes alone: the same on every node and in every browser.
 * @param bytes with the line feed at the end
 * @see FORMAT.md [F4] to [F13]
 */
export const parseLine = (bytes: Uint8Array): Result<Line, LineFault> => {
  const fault = faultOfBytes(bytes)
  if (fault !== undefined) return fail(fault)
  const text = decodeUtf8(bytes)
  return text === undefined ? fail('utf-8') : parseText(text)
}

/** The same judgement, where the line was decoded together with others. @param text what `bytes` says */
export const parseDecodedLine = (bytes: Uint8Array, text: string): Result<Line, LineFault> => {
  const fault = faultOfBytes(bytes)
  return fault === undefined ? parseText(text) : fail(fault)
}

const faultOfBytes = (bytes: Uint8Array): LineFault | undefined => {
  if (bytes.length > LINE_BYTES_MAX) return 'too-long'
  if (bytes.indexOf(LINE_FEED) !== bytes.length - 1 || bytes.length === 0) return 'not-ended'
  return isWithinDepth(bytes, DEPTH_MAX) ? undefined : 'depth'
}

const parseText = (text: string): Result<Line, LineFault> => {
  const value = parseJson(text)
  if (value === undefined) return fail('json')
  const fault = faultOfValue(value)
  return fault === undefined ? ok(value as Line) : fail(fault)
}

/**
 * A line of a body that was judged by `parseLine` before it was stored. It is not judged again: only what a disk may have done to it shows.
 * @returns `undefined` when it is no line
 */
export const parseStoredLine = (text: string): Line | undefined => {
  const value = parseJson(text)
  return isLine(value) ? value : undefined
}

const isLine = (value: unknown): value is Line => {
  if (!Array.isArray(value) || typeof value[0] !== 'number' || typeof value[1] !== 'number' || typeof value[2] !== 'string') return false
  const events: unknown = value[3]
  if (!Array.isArray(events) || events.length === 0) return false
  for (const event of events as readonly unknown[]) if (!Array.isArray(event) || event.length < 2 || !Array.isArray(event[0])) return false
  return true
}

/** An event without its payload. */
export type EventLabels = Pick<TaggedEvent, 'tags' | 'basis'>

/** One publish, judged, before it has its Lamport time. */
export interface Batch {
  /** Its line after `[` and the Lamport time. */
  readonly rest: string
  readonly timestampMicros: number
  readonly appId: string
  readonly labels: readonly EventLabels[]
}

/** One publish as a line, ready to be sealed, with what else than its bytes is asked of it. */
export interface EncodedBatch extends Omit<Batch, 'rest'> {
  readonly line: Uint8Array
  readonly events: number
  readonly firstLamport: Lamport
  readonly lastLamport: Lamport
}

/** Why a publish is refused: `event` is the place of the event concerned, `text` says it in words. */
export interface BatchRefusal {
  readonly fault: LineFault | 'payload'
  readonly event: number | undefined
  readonly text: string
}

/** @param tags of the event, in NFC */
const refusalOfEvent = ({ event, basis }: TaggedEvent, tags: readonly unknown[] | undefined, at: number): BatchRefusal | undefined => {
  const refuse = (fault: BatchRefusal['fault'], text: string): BatchRefusal => ({ fault, event: at, text: `event ${at}: ${text}` })
  if (tags === undefined || tags.length > TAG_COUNT_MAX) return refuse('tag-count', `more than ${TAG_COUNT_MAX} tags`)
  for (const tag of tags) {
    if (!isTag(tag)) return refuse('tag', `a tag is not 1 to ${TAG_BYTES_MAX} bytes of text: ${String(tag).slice(0, 40)}`)
  }
  const why = whyNotJson(event, { depthMax: PAYLOAD_DEPTH_MAX, valueCountMax: LINE_BYTES_MAX })
  if (why !== undefined) return refuse('payload', why)
  return basis === undefined || isBasis(basis) ? undefined : refuse('basis', `the basis is not an offset map of at most ${BASIS_COUNT_MAX} streams`)
}

/** What is no list has no tags; what is no text is left alone, to be refused. */
const normaliseTags = (tags: unknown): readonly unknown[] | undefined =>
  Array.isArray(tags) ? tags.map((tag: unknown) => (typeof tag === 'string' ? normaliseTag(tag) : tag)) : undefined

/**
 * Judges one publish and writes it: tags in NFC, the payload as `JSON.stringify` writes it.
 * Refused is what would not be valid, and a payload that would come back as another value.
 * @param lamport Lamport time of its first event, or the longest that it may get
 */
export const checkBatch = (
  events: readonly TaggedEvent[],
  lamport: Lamport,
  { timestampMicros, appId }: { readonly timestampMicros: number; readonly appId: string },
): Result<Batch, BatchRefusal> => {
  const values: LineEvent[] = []
  const labels: EventLabels[] = []
  for (const [at, event] of events.entries()) {
    const tags = normaliseTags(event.tags)
    const refusal = refusalOfEvent(event, tags, at)
    if (refusal !== undefined) return fail(refusal)
    const basis = event.basis && { ...event.basis }
    values.push(basis === undefined ? [tags as readonly string[], event.event] : [tags as readonly string[], event.event, basis])
    labels.push(basis === undefined ? { tags: tags as readonly string[] } : { tags: tags as readonly string[], basis })
  }
  const fault = faultOfFrame(lamport, timestampMicros, appId, events.length)
  if (fault !== undefined) return fail({ fault, event: undefined, text: batchTexts[fault] ?? fault })
  const rest = `,${timestampMicros},${JSON.stringify(appId)},${JSON.stringify(values)}]\n`
  const length = `[${lamport}`.length + (rest.length * 3 < LINE_BYTES_MAX ? 0 : utf8Length(rest))
  if (length > LINE_BYTES_MAX) return fail({ fault: 'too-long', event: undefined, text: `${length} bytes in one publish, at most ${LINE_BYTES_MAX}: publish in several parts` })
  return ok({ rest, timestampMicros, appId, labels })
}

/** The lines of batches that follow each other, with Lamport times from `lamport` on. */
export const encodeBatches = (batches: readonly Batch[], lamport: Lamport): readonly EncodedBatch[] => {
  let next = lamport
  const texts = batches.map(({ rest, labels }) => {
    const text = `[${next}${rest}`
    next += labels.length
    return text
  })
  // One call for all: each costs as much as a line.
  const text = texts.join('')
  const bytes = encodeUtf8(text)
  let [at, firstLamport] = [0, lamport]
  return batches.map(({ timestampMicros, appId, labels }, index) => {
    const own = texts[index] ?? ''
    const line = bytes.subarray(at, (at += bytes.length === text.length ? own.length : utf8Length(own)))
    const lastLamport = firstLamport + labels.length - 1
    const encoded: EncodedBatch = { line, timestampMicros, appId, labels, events: labels.length, firstLamport, lastLamport }
    firstLamport = lastLamport + 1
    return encoded
  })
}

/** One publish as a line. @param lamport Lamport time of the first event @see checkBatch */
export const encodeBatch = (
  events: readonly TaggedEvent[],
  lamport: Lamport,
  options: { readonly timestampMicros: number; readonly appId: string },
): Result<EncodedBatch, BatchRefusal> => {
  const checked = checkBatch(events, lamport, options)
  if (!checked.ok) return checked
  const [encoded] = encodeBatches([checked.value], lamport)
  assert(encoded !== undefined, 'one batch is one line')
  return ok(encoded)
}

const batchTexts: Partial<Record<LineFault, string>> = {
  lamport: 'the Lamport time is used up',
  timestamp: 'the time is not a whole number of microseconds since 1970',
  'app-id': `the app id is not text of at most ${APP_ID_BYTES_MAX} bytes`,
  'event-count': `1 to ${EVENT_COUNT_MAX} events in one publish`,
}
