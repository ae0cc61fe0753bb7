import type { TaggedEvent } from '../../index.ts'
import type { OperationPayload } from './payload.ts'

/** Which operation of which order, at which station, and when: `time` as `isoTime` gives it. */
export type OperationAt = Pick<OperationPayload, 'order' | 'operation' | 'station' | 'time' | 'part' | 'quantity' | 'due'>

/** The event to publish when work on an operation begins. */
export const startOperation = (at: OperationAt): TaggedEvent => operationEvent({ type: 'operationStarted', ...at })

/** The event to publish when it ends, with the pieces made since its start. */
export const finishOperation = (at: OperationAt & Pick<OperationPayload, 'good' | 'scrap'>): TaggedEvent =>
  operationEvent({ type: 'operationFinished', ...at })

/** An operation event with the tags by which it is found, `more` first. Names are NFC, as tags are: one order, however it was typed. */
export const operationEvent = (payload: OperationPayload, more: readonly string[] = []): TaggedEvent => {
  const [order, operation, station] = [payload.order.normalize(), payload.operation.normalize(), payload.station.normalize()]
  return { tags: [...more, `order:${order}`, `station:${station}`, 'operation'], event: { ...payload, order, operation, station } }
}

/** ISO 8601 in the zone of this device, with its offset: `2026-03-09T06:30:00.000+01:00`. */
export const isoTime = (date: Date): string => {
  const minutes = -date.getTimezoneOffset()
  const local = new Date(date.getTime() + minutes * 60_000).toISOString().slice(0, -1)
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  return `${local}${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`
}
