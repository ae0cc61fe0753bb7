import { compareEventKeys, eventKeyToId, type EventKey as NodeKey } from '../core/event-key.ts'
import type { Event } from '../core/event.ts'
import { includesEvent, merge, type OffsetMap } from '../core/offset-map.ts'
import type { Node } from '../node/node.ts'
import { eventOf } from './events.ts'
import type { EventFns } from './event-fns.ts'
import { raised } from './queries.ts'
import { followEvents, type Clock, type Run, type Runs } from './runs.ts'
import { beforeLamport, keyFrom, offsetsFrom, selectionOf, sizeFrom, type Asker, type Selection } from './selection.ts'
import type { ActyxEvent, EventChunk, EventKey, EventsOrTimetravel, FixedStart, TimeTravelMsg } from './types.ts'

const chunkSizeDefault = 1_000

type Following = Pick<EventFns, 'subscribe' | 'subscribeChunked' | 'subscribeMonotonic'>

export const createFollowing = (node: Node, asker: Asker & Clock, runs: Runs): Following => {
  const parts = { node, asker }
  return {
    subscribe: ({ query, lowerBound }, onEvent, onError) =>
      runs.begin(
        (run) => followEach(parts, run, { selection: selectionOf(query, asker), lowerBound: offsetsFrom(lowerBound, 'lowerBound'), size: Infinity }, async ({ events }) => {
          for (const event of events) if (!run.isOver()) await onEvent(event)
        }),
        onError,
      ),
    subscribeChunked: ({ query, lowerBound }, { maxChunkSize }, onChunk, onError) =>
      runs.begin((run) => {
        const size = sizeFrom(maxChunkSize ?? chunkSizeDefault, 'maxChunkSize')
        return followEach(parts, run, { selection: selectionOf(query, asker), lowerBound: offsetsFrom(lowerBound, 'lowerBound'), size }, onChunk)
      }, onError),
    subscribeMonotonic: ({ query, attemptStartFrom }, callback, onCompleteOrErr) =>
      // What comes is of the type that the caller knows it by.
      runs.begin((run) => followInOrder(parts, run, { selection: selectionOf(query, asker), start: startFrom(attemptStartFrom) }, (message) => callback(message as never)), onCompleteOrErr),
  }
}

interface Parts {
  readonly node: Node
  readonly asker: Asker & Clock
}

interface Each {
  readonly selection: Selection
  readonly lowerBound: OffsetMap
  readonly size: number
}

/** Events as they come, each once, in chunks of at most `size`. */
const followEach = ({ node, asker }: Parts, run: Run, { selection, lowerBound, size }: Each, onChunk: (chunk: EventChunk) => Promise<void> | void): Promise<never> => {
  /** Up to here everything was given, or does not concern. */
  let covered = lowerBound
  /** The same, of what was given alone. */
  let bound = lowerBound
  return followEvents(node, asker, run, () => ({
    query: { where: selection.where, lowerBound: covered },
    late: 'deliver',
    events: async (chunk, _, offsets) => {
      const fresh = chunk.filter(({ meta }) => selection.selects(meta) && !includesEvent(covered, meta.stream, meta.offset))
      for (let at = 0; at < fresh.length && !run.isOver(); at += size) {
        const events = fresh.slice(at, at + size)
        const before = bound
        bound = raised(bound, events)
        covered = raised(covered, events)
        await onChunk({ events: events.map(eventOf), lowerBound: { ...before }, upperBound: { ...bound } })
      }
      covered = merge(covered, offsets)
    },
    // What comes again after a loss was given before. Events that had been passed over were not: then all of it comes again.
    timeTravel: (_, reason) => {
      if (reason === 'earlier') covered = lowerBound
    },
  }))
}

interface Start {
  readonly from: OffsetMap
  readonly latest: NodeKey | undefined
  readonly horizon: NodeKey | undefined
}

/** Older consumers leave it out. */
const startFrom = (start: FixedStart | undefined): Start => ({
  from: offsetsFrom(start?.from, 'attemptStartFrom.from'),
  latest: start?.latestEventKey && keyFrom(start.latestEventKey, 'attemptStartFrom.latestEventKey'),
  horizon: start?.horizon && keyFrom(start.horizon, 'attemptStartFrom.horizon'),
})

interface InOrder {
  readonly selection: Selection
  readonly start: Start
}

/** Events in order, until that cannot go on: then the message that says so, and the end. */
const followInOrder = async (parts: Parts, run: Run, { selection, start }: InOrder, callback: (message: EventsOrTimetravel<unknown>) => Promise<void> | void): Promise<void> => {
  const trigger = await firstOutOfOrder(parts, run, { selection, start }, callback)
  if (!run.isOver()) await callback({ type: 'timetravel', trigger, high: trigger })
}

/** Follows until an event comes that sorts before one already given. */
const firstOutOfOrder = ({ node, asker }: Parts, run: Run, { selection, start }: InOrder, callback: (message: EventsOrTimetravel<unknown>) => Promise<void> | void): Promise<TimeTravelMsg<unknown>['trigger']> =>
  new Promise((resolve, reject) => {
    const { from, latest, horizon } = start
    let last = latest
    let covered = from
    let isFirst = true
    const isMeant = ({ meta }: Event) => selection.selects(meta) && (horizon === undefined || compareEventKeys(meta, horizon) >= 0)
    followEvents(node, asker, run, (stop) => ({
      query: { where: selection.where, lowerBound: covered, ...(horizon && { horizon: beforeLamport(horizon.lamport) }) },
      late: 'timeTravel',
      events: async (chunk, caughtUp, offsets) => {
        const events = chunk.filter(isMeant)
        const [first] = events
        if (first !== undefined && last !== undefined && compareEventKeys(first.meta, last) <= 0) {
          stop()
          return resolve(triggerOf(first))
        }
        if (events.length === 0 && !(caughtUp && isFirst)) return
        last = events.at(-1)?.meta ?? last
        isFirst &&= !caughtUp
        await callback({ type: 'events', events: events.map(eventOf), caughtUp })
        covered = merge(raised(covered, events), offsets)
      },
      timeTravel: (earliest) => {
        stop()
        resolve(findTrigger(node, selection, earliest))
      },
    })).catch(reject)
  })

const triggerOf = (event: Event): EventKey & ActyxEvent => ({ lamport: event.meta.lamport, stream: event.meta.stream, offset: event.meta.offset, ...eventOf(event) })

/** The event at a key; where it is not held any more, one that says no more than its place. */
const findTrigger = async (node: Node, selection: Selection, key: NodeKey): Promise<EventKey & ActyxEvent> => {
  for await (const event of node.query({ where: selection.where, horizon: beforeLamport(key.lamport) })) {
    const order = compareEventKeys(event.meta, key)
    if (order === 0) return triggerOf(event)
    if (order > 0) break
  }
  const place = { lamport: key.lamport, stream: key.stream, offset: 0 }
  return { ...place, payload: null, meta: { ...place, eventId: eventKeyToId(key), isLocalEvent: false, tags: [], appId: '', timestampMicros: 0, timestampAsDate: () => new Date(0) } }
}
