import type { EventKey as NodeKey } from '../core/event-key.ts'
import type { Meta } from '../core/event.ts'
import { parseStreamId, type StreamId } from '../core/ids.ts'
import { LAMPORT_MAX } from '../core/lamport.ts'
import { offsetsOf, type OffsetMap as NodeOffsets } from '../core/offset-map.ts'
import type { Where as NodeWhere } from '../core/where.ts'
import { parseTags } from '../query/parse.ts'
import { planTags } from '../query/plan.ts'
import { ActyxError, shown } from './errors.ts'
import type { EventsSortOrder, Where } from './types.ts'

// What callers hand in is judged here; what comes out is what a node takes.

/** Which events, as a tag expression says. */
export interface Selection {
  /** What the node reads by. Every event that is meant matches it, perhaps others too. */
  readonly where: NodeWhere
  readonly selects: (meta: Meta) => boolean
}

/** What a tag expression depends on. */
export interface Asker {
  readonly appId: string
  readonly nowMicros: () => number
}

/** @throws QueryError with the place in the tag expression, ActyxError `ACTYX-QUERY` */
export const selectionOf = (where: Where | undefined, { appId, nowMicros }: Asker): Selection => {
  if (where === undefined) return planTags({ type: 'allEvents' }, { me: appId, nowMicros: nowMicros() })
  const text: unknown = where === null ? where : where.toString()
  if (typeof text !== 'string') throw new ActyxError('ACTYX-QUERY', `a query is told by \`toString\` as a tag expression, not as ${shown(text)}`)
  return planTags(parseTags(text), { me: appId, nowMicros: nowMicros() })
}

/**
 * Offsets by stream; -1 counts as none.
 * @param name of the bound, for the error @throws ActyxError `ACTYX-QUERY`
 */
export const offsetsFrom = (bound: unknown, name: string): NodeOffsets => {
  if (bound === undefined) return {}
  if (typeof bound !== 'object' || bound === null || Array.isArray(bound)) throw new ActyxError('ACTYX-QUERY', `${name} is an object of offsets by stream id`)
  const offsets: Record<StreamId, number> = {}
  for (const [text, offset] of Object.entries(bound as Record<string, unknown>)) {
    const stream = parseStreamId(text)
    if (stream === undefined) throw new ActyxError('ACTYX-QUERY', `${name} names ${JSON.stringify(text)}, which is no stream id`)
    if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < -1) {
      throw new ActyxError('ACTYX-QUERY', `${name} of stream ${text} is ${shown(offset)}: an offset is a whole number from 0 on, or -1 for none`)
    }
    if (offset >= 0) offsets[stream.id] = offset
  }
  return offsets
}

/** @throws ActyxError `ACTYX-QUERY` when it is missing, `ACTYX-BOUND` when it lies beyond the present */
export const upperBoundFrom = (bound: unknown, present: NodeOffsets): NodeOffsets => {
  if (bound === undefined) throw new ActyxError('ACTYX-QUERY', 'a query of a known range has an upperBound')
  const offsets = offsetsFrom(bound, 'upperBound')
  for (const [stream, last] of offsetsOf(offsets)) {
    const held = present[stream]
    if (held === undefined || last > held) throw new ActyxError('ACTYX-BOUND', `upperBound of stream ${stream} is ${last}, and ${held === undefined ? 'nothing' : `offset ${held}`} is the last that is here`)
  }
  return offsets
}

const orders: readonly EventsSortOrder[] = ['asc', 'desc', 'stream-asc']

/** @throws ActyxError `ACTYX-QUERY` */
export const orderFrom = (order: unknown): EventsSortOrder => {
  const known = order === undefined ? 'asc' : orders.find((one) => one === order)
  if (known === undefined) throw new ActyxError('ACTYX-QUERY', `the order is one of ${orders.join(', ')}, not ${shown(order)}`)
  return known
}

/** @throws ActyxError `ACTYX-QUERY` */
export const sizeFrom = (size: unknown, name: string): number => {
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1) throw new ActyxError('ACTYX-QUERY', `${name} is a whole number from 1 on, not ${shown(size)}`)
  return size
}

/** An event key, or one that no event has, as `EventKey.zero` is. */
export const keyFrom = (key: unknown, name: string): NodeKey => {
  const { lamport, stream } = Object(key) as { readonly lamport?: unknown; readonly stream?: unknown }
  if (typeof lamport !== 'number' || !Number.isSafeInteger(lamport) || lamport < 0 || lamport > LAMPORT_MAX || typeof stream !== 'string') {
    throw new ActyxError('ACTYX-QUERY', `${name} is an event key: a Lamport time from 0 on and a stream id`)
  }
  return { lamport, stream: stream as StreamId }
}

/** From the text of a horizon: `<lamport>/<stream id>`, with or without zeros in front. @throws ActyxError `ACTYX-QUERY` */
export const horizonFrom = (text: unknown): NodeKey | undefined => {
  if (text === undefined) return undefined
  const [, lamport, stream] = /^(\d{1,16})\/(.+)$/.exec(typeof text === 'string' ? text : '') ?? []
  if (lamport === undefined) throw new ActyxError('ACTYX-QUERY', `a horizon is an event id, <lamport>/<stream id>, not ${shown(text)}`)
  return keyFrom({ lamport: Number(lamport), stream }, 'the horizon')
}

/** Sorts before all events of that Lamport time, and after all earlier ones: ids of streams have no character above `~`. */
export const beforeLamport = (lamport: number): NodeKey => ({ lamport: lamport - 1, stream: '~' as StreamId })
