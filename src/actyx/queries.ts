import { compareEventKeys, type EventKey } from '../core/event-key.ts'
import type { Event } from '../core/event.ts'
import type { Offset, StreamId } from '../core/ids.ts'
import { merge, offsetsOf, type OffsetMap } from '../core/offset-map.ts'
import type { Node } from '../node/node.ts'
import { eventOf } from './events.ts'
import type { EventFns } from './event-fns.ts'
import type { Run, Runs } from './runs.ts'
import { beforeLamport, horizonFrom, offsetsFrom, orderFrom, selectionOf, sizeFrom, upperBoundFrom, type Asker, type Selection } from './selection.ts'
import type { ActyxEvent, AutoCappedQuery, EventChunk, EventsSortOrder, RangeQuery } from './types.ts'

/** A query whose parts have been judged. */
interface Asked {
  readonly selection: Selection
  readonly order: EventsSortOrder
  readonly lowerBound: OffsetMap
  readonly horizon: EventKey | undefined
}

type Queries = Pick<EventFns, 'queryKnownRange' | 'queryKnownRangeChunked' | 'queryAllKnown' | 'queryAllKnownChunked'>

/** Queries over what is here. */
export const createQueries = (node: Node, asker: Asker, runs: Runs): Queries => {
  const judge = ({ query, lowerBound, order, horizon }: AutoCappedQuery): Asked => ({
    selection: selectionOf(query, asker), order: orderFrom(order), lowerBound: offsetsFrom(lowerBound, 'lowerBound'), horizon: horizonFrom(horizon),
  })
  const range = async (query: RangeQuery): Promise<readonly [Asked, OffsetMap]> => {
    const asked = judge(query)
    return [asked, upperBoundFrom(query.upperBound, await node.present())]
  }
  return {
    queryKnownRange: async (query) => {
      runs.check()
      const [asked, upperBound] = await range(query)
      return all(node, asked, upperBound)
    },
    queryKnownRangeChunked: (query, chunkSize, onChunk, onComplete) =>
      runs.begin(async (run) => {
        const size = sizeFrom(chunkSize, 'chunkSize')
        const [asked, upperBound] = await range(query)
        await tellChunks(run, node, { asked, upperBound, size }, onChunk)
      }, onComplete),
    queryAllKnown: async (query) => {
      runs.check()
      const asked = judge(query)
      const present = await node.present()
      return { events: await all(node, asked, present), lowerBound: { ...asked.lowerBound }, upperBound: { ...merge(asked.lowerBound, present) } }
    },
    queryAllKnownChunked: (query, chunkSize, onChunk, onComplete) => {
      let isPresentKnown = false
      const cancel = runs.begin(async (run) => {
        const size = sizeFrom(chunkSize, 'chunkSize')
        const asked = judge(query)
        const upperBound = await node.present()
        isPresentKnown = true
        await tellChunks(run, node, { asked, upperBound, size }, onChunk)
      }, (error) => {
        isPresentKnown = true
        onComplete?.(error)
      })
      return () => {
        cancel()
        if (isPresentKnown) return
        isPresentKnown = true
        onComplete?.()
      }
    },
  }
}

/** Events that are meant, in the order asked for. */
export async function* eventsOf(node: Node, { selection, order, lowerBound, horizon }: Asked, upperBound: OffsetMap): AsyncGenerator<Event> {
  const bounds = order === 'stream-asc' ? offsetsOf(upperBound).map(([stream, last]): OffsetMap => ({ [stream]: last })) : [upperBound]
  for (const bound of bounds) {
    const query = { where: selection.where, lowerBound, upperBound: bound, ...(horizon && { horizon: beforeLamport(horizon.lamport) }) }
    for await (const event of node.query(query, order === 'desc' ? 'descending' : 'ascending')) {
      if (selection.selects(event.meta) && (horizon === undefined || compareEventKeys(event.meta, horizon) >= 0)) yield event
    }
  }
}

const all = async (node: Node, asked: Asked, upperBound: OffsetMap): Promise<ActyxEvent[]> => {
  const events: ActyxEvent[] = []
  for await (const event of eventsOf(node, asked, upperBound)) events.push(eventOf(event))
  return events
}

interface Chunking {
  readonly asked: Asked
  readonly upperBound: OffsetMap
  readonly size: number
}

const tellChunks = async (run: Run, node: Node, { asked, upperBound, size }: Chunking, onChunk: (chunk: EventChunk) => Promise<void> | void): Promise<void> => {
  const isDescending = asked.order === 'desc'
  let bound = isDescending ? upperBound : asked.lowerBound
  let events: Event[] = []
  const tell = async () => {
    const before = bound
    bound = isDescending ? lowered(bound, events) : raised(bound, events)
    const [lower, upper] = isDescending ? [bound, before] : [before, bound]
    const chunk = events.map(eventOf)
    events = []
    await Promise.race([onChunk({ events: chunk, lowerBound: { ...lower }, upperBound: { ...upper } }), run.over])
  }
  for await (const event of eventsOf(node, asked, upperBound)) {
    if (run.isOver()) return
    events.push(event)
    if (events.length === size) await tell()
    if (run.isOver()) return
  }
  if (events.length > 0) await tell()
}

/** With the events above it. */
export const raised = (bound: OffsetMap, events: readonly Event[]): OffsetMap => {
  const offsets: Record<StreamId, Offset> = { ...bound }
  for (const { meta } of events) offsets[meta.stream] = Math.max(offsets[meta.stream] ?? -1, meta.offset)
  return offsets
}

/** Without the events at its top. */
const lowered = (bound: OffsetMap, events: readonly Event[]): OffsetMap => {
  const offsets = new Map(offsetsOf(bound))
  for (const { meta } of events) {
    if (meta.offset === 0) offsets.delete(meta.stream)
    else offsets.set(meta.stream, Math.min(offsets.get(meta.stream) ?? Infinity, meta.offset - 1))
  }
  return Object.fromEntries(offsets)
}
