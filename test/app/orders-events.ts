import type { Event } from '../../src/core/event.ts'
import { compareEventKeys, eventKeyToId } from '../../src/core/event-key.ts'
import type { StreamId } from '../../src/core/ids.ts'
import type { JsonValue } from '../../src/core/json.ts'
import type { OperationPayload } from '../../src/app/orders/payload.ts'

const STREAMS = ['a', 'b', 'c'].map((letter) => `${letter.repeat(43)}-0` as StreamId)

/** An event as a node gives it; `by` is one of three tablets. */
export const eventAt = (lamport: number, payload: JsonValue, { by = 0, tags = [] as readonly string[] } = {}): Event => {
  const stream = STREAMS[by] ?? ('' as StreamId)
  return {
    payload,
    meta: {
      eventId: eventKeyToId({ lamport, stream }), lamport, stream, offset: lamport, timestampMicros: 0, appId: 'test',
      tags: ['operation', ...tags], isLocalEvent: by === 0, timestampAsDate: () => new Date(0),
    },
  }
}

const at = { order: 'W1', operation: 'OP10', station: 'TM4', time: '2026-03-09T06:00:00.000+01:00' }

export const started = (more: Partial<OperationPayload> = {}): JsonValue => ({ type: 'operationStarted', ...at, ...more })
export const finished = (more: Partial<OperationPayload> = {}): JsonValue => ({ type: 'operationFinished', ...at, ...more })

/** Payloads as the events of one tablet, in order. */
export const inOrder = (...payloads: readonly JsonValue[]): readonly Event[] => payloads.map((payload, index) => eventAt(index + 1, payload))

export const sorted = (events: readonly Event[]): readonly Event[] => events.toSorted((a, b) => compareEventKeys(a.meta, b.meta))

/** A value of which no part can be changed. */
export const frozen = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const refuse = () => {
    throw new TypeError('a state before was changed')
  }
  if (value instanceof Map) Object.assign(value, { set: refuse, delete: refuse })
  if (value instanceof Set) Object.assign(value, { add: refuse, delete: refuse })
  Object.freeze(value)
  for (const inner of value instanceof Map ? value.values() : Object.values(value)) frozen(inner)
  return value
}
