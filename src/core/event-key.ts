import { parseStreamId, type EventId, type Lamport, type StreamId } from './ids.ts'
import { LAMPORT_MAX } from './lamport.ts'

/** Place of an event in the total order: by Lamport time, then by stream id as a string compared with `<`. */
export interface EventKey {
  readonly lamport: Lamport
  readonly stream: StreamId
}

/** Negative when `a` sorts before `b`, 0 when they are the same event. */
export const compareEventKeys = (a: EventKey, b: EventKey): number =>
  a.lamport - b.lamport || (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : 0)

const zeros = '0'.repeat(16)

export const eventKeyToId = ({ lamport, stream }: EventKey): EventId => {
  const digits = String(lamport)
  return `${zeros.slice(digits.length)}${digits}/${stream}` as EventId
}

/** `undefined` when `text` is not an event id. */
export const parseEventId = (text: string): (EventKey & { readonly id: EventId }) | undefined => {
  const lamport = /^[0-9]{16}\//.test(text) ? Number(text.slice(0, 16)) : 0
  const stream = parseStreamId(text.slice(17))
  if (lamport < 1 || lamport > LAMPORT_MAX || stream === undefined) return undefined
  return { id: text as EventId, lamport, stream: stream.id }
}
