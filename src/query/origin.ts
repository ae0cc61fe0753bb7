import type { Meta } from '../core/event.ts'
import { compareEventKeys, type EventKey } from '../core/event-key.ts'
import type { Offset } from '../core/ids.ts'

/** Where an event lies: its key, and its offset for progress. */
export interface EventPlace extends EventKey {
  readonly offset: Offset
}

/** Which events a value was made of: none, one, or several, of which the first and the last by key and by time are kept. */
export type Origin =
  | { readonly type: 'synthetic' }
  | { readonly type: 'event'; readonly meta: Meta }
  | { readonly type: 'range'; readonly first: EventPlace; readonly last: EventPlace; readonly firstMicros: number; readonly lastMicros: number }

type Range = Extract<Origin, { type: 'range' }>

export const synthetic: Origin = { type: 'synthetic' }

export const mergeOrigins = (a: Origin, b: Origin): Origin => {
  if (a === b || b.type === 'synthetic') return a
  if (a.type === 'synthetic' || (a.type === 'event' && b.type === 'event' && a.meta.eventId === b.meta.eventId)) return b
  const [left, right] = [rangeOf(a), rangeOf(b)]
  return {
    type: 'range',
    first: compareEventKeys(left.first, right.first) <= 0 ? left.first : right.first,
    last: compareEventKeys(left.last, right.last) >= 0 ? left.last : right.last,
    firstMicros: Math.min(left.firstMicros, right.firstMicros),
    lastMicros: Math.max(left.lastMicros, right.lastMicros),
  }
}

const rangeOf = (origin: Exclude<Origin, { type: 'synthetic' }>): Range => {
  if (origin.type === 'range') return origin
  const { lamport, stream, offset, timestampMicros } = origin.meta
  const place = { lamport, stream, offset }
  return { type: 'range', first: place, last: place, firstMicros: timestampMicros, lastMicros: timestampMicros }
}

/** Key of the first event; `undefined`: there is none, it sorts before all. */
export const firstKey = (origin: Origin): EventKey | undefined => (origin.type === 'synthetic' ? undefined : origin.type === 'event' ? origin.meta : origin.first)

export const lastKey = (origin: Origin): EventKey | undefined => (origin.type === 'synthetic' ? undefined : origin.type === 'event' ? origin.meta : origin.last)

export const compareKeys = (a: EventKey | undefined, b: EventKey | undefined): number =>
  a === undefined || b === undefined ? Number(a !== undefined) - Number(b !== undefined) : compareEventKeys(a, b)
