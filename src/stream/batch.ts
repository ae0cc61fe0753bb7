import type { TaggedEvent } from '../core/event.ts'
import { parseStreamId, type Lamport } from '../core/ids.ts'
import { isPlainObject, isWithinDepth, whyNotJson } from '../core/json.ts'
import type { JsonValue } from '../core/json.ts'
import { LAMPORT_MAX } from '../core/lamport.ts'
import type { OffsetMap } from '../core/offset-map.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { APP_ID_BYTES_MAX, isAppId, isTag, normaliseTag, TAG_BYTES_MAX, TAG_COUNT_MAX } from '../core/tags.ts'
import { decodeUtf8, encodeUtf8 } from '../core/utf8.ts'

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

const faultOfValue = (value: unknown): LineFault | undefined => {
  if (!Array.isArray(value) || value.length < 4) return 'shape'
  const [lamport, timestampMicros, appId, events]: readonly unknown[] = value
  if (!Array.isArray(events)) return 'shape'
  if (events.length < 1 || events.length > EVENT_COUNT_MAX) return 'event-count'
  if (typeof lamport !== 'number' || !Number.isSafeInteger(lamport) || lamport < 1 || lamport + events.length - 1 > LAMPORT_MAX) return 'lamport'
  if (!isOffset(timestampMicros)) return 'timestamp'
  if (!isAppId(appId)) return 'app-id'
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
  if (bytes.length > LINE_BYTES_MAX) return fail('too-long')
  if (bytes.indexOf(LINE_FEED) !== bytes.length - 1 || bytes.length === 0) return fail('not-ended')
  if (!isWithinDepth(bytes, DEPTH_MAX)) return fail('depth')
  const text = decodeUtf8(bytes)
  if (text === undefined) return fail('utf-8')
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

/** One publish as a line, ready to be sealed. */
export interface EncodedBatch {
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

const refusalOfEvent = ({ tags, event, basis }: TaggedEvent, at: number): BatchRefusal | undefined => {
  const refuse = (fault: BatchRefusal['fault'], text: string): BatchRefusal => ({ fault, event: at, text: `event ${at}: ${text}` })
  if (!Array.isArray(tags) || tags.length > TAG_COUNT_MAX) return refuse('tag-count', `more than ${TAG_COUNT_MAX} tags`)
  for (const tag of tags as readonly unknown[]) {
    if (typeof tag !== 'string' || !isTag(normaliseTag(tag))) return refuse('tag', `a tag is not 1 to ${TAG_BYTES_MAX} bytes of text: ${String(tag).slice(0, 40)}`)
  }
  const why = whyNotJson(event, { depthMax: PAYLOAD_DEPTH_MAX, valueCountMax: LINE_BYTES_MAX })
  if (why !== undefined) return refuse('payload', why)
  return basis === undefined || isBasis(basis) ? undefined : refuse('basis', `the basis is not an offset map of at most ${BASIS_COUNT_MAX} streams`)
}

const lineEvent = ({ tags, event, basis }: TaggedEvent): LineEvent => {
  const normalised = tags.map(normaliseTag)
  return basis === undefined ? [normalised, event] : [normalised, event, basis]
}

/**
 * One publish as a line: tags in NFC, the payload as `JSON.stringify` writes it.
 * Refused is what would not be valid, and a payload that would come back as another value.
 * @param lamport Lamport time of the first event
 */
export const encodeBatch = (
  events: readonly TaggedEvent[],
  lamport: Lamport,
  options: { readonly timestampMicros: number; readonly appId: string },
): Result<EncodedBatch, BatchRefusal> => {
  for (const [at, event] of events.entries()) {
    const refusal = refusalOfEvent(event, at)
    if (refusal !== undefined) return fail(refusal)
  }
  const value: Line = [lamport, options.timestampMicros, options.appId, events.map(lineEvent)]
  const fault = faultOfValue(value)
  if (fault !== undefined) return fail({ fault, event: undefined, text: batchTexts[fault] ?? fault })
  const line = encodeUtf8(`${JSON.stringify(value)}\n`)
  if (line.length > LINE_BYTES_MAX) {
    return fail({ fault: 'too-long', event: undefined, text: `${line.length} bytes in one publish, at most ${LINE_BYTES_MAX}: publish in several parts` })
  }
  return ok({ line, events: events.length, firstLamport: lamport, lastLamport: lastLamportOf(value) })
}

const batchTexts: Partial<Record<LineFault, string>> = {
  lamport: 'the Lamport time is used up',
  timestamp: 'the time is not a whole number of microseconds since 1970',
  'app-id': `the app id is not text of at most ${APP_ID_BYTES_MAX} bytes`,
  'event-count': `1 to ${EVENT_COUNT_MAX} events in one publish`,
}
