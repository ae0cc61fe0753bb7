import type { EventId, Lamport, StreamId } from './ids.ts'

/** Place of an event in the total order: by Lamport time, then by stream id as a string compared with `<`. */
export interface EventKey {
  readonly lamport: Lamport
  readonly stream: StreamId
}

/** Negative when `a` sorts before `b`, 0 when they are the same event. */
export const compareEventKeys = (a: EventKey, b: EventKey): number =>
  a.lamport - b.lamport || (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : 0)

export const eventKeyToId = (key: EventKey): EventId => `${String(key.lamport).padStart(16, '0')}/${key.stream}` as EventId
