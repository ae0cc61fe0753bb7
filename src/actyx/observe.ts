import { compareEventKeys } from '../core/event-key.ts'
import type { Event } from '../core/event.ts'
import { merge, type OffsetMap } from '../core/offset-map.ts'
import type { Node } from '../node/node.ts'
import { ActyxError, shown } from './errors.ts'
import { eventOf } from './events.ts'
import type { EventFns } from './event-fns.ts'
import { askForGood, followEvents, type Clock, type Run, type Runs } from './runs.ts'
import { offsetsFrom, selectionOf, type Asker, type Selection } from './selection.ts'
import type { ActyxEvent, EarliestQuery, Metadata } from './types.ts'

type Observing = Pick<EventFns, 'observeEarliest' | 'observeLatest' | 'observeBestMatch' | 'observeUnorderedReduce'>

/** One event, or one value, made of all that match and kept up to date. The types of events are what the caller says of them. */
export const createObserving = (node: Node, asker: Asker & Clock, runs: Runs): Observing => {
  const parts = { node, asker }
  const best = (run: Run, selected: Selected, replaces: Replaces, told: (event: never, metadata: Metadata) => void) =>
    followFold(parts, run, selected, bestOf(replaces, (event) => told(event.payload as never, event.meta)))
  const extreme = (sign: 1 | -1) => <E>(query: EarliestQuery<E>, told: (event: E, metadata: Metadata) => void, onError?: (error: unknown) => void) =>
    runs.begin(async (run) => {
      const selection = selectionOf(query.query, asker)
      const lowerBound = offsetsFrom(query.lowerBound, 'lowerBound')
      if (isByTime(query.eventOrder)) return best(run, { selection, lowerBound }, (a, b) => sign * (a.meta.timestampMicros - b.meta.timestampMicros || compareEventKeys(a.meta, b.meta)) < 0, told)
      // By order there is no need to read it all.
      const [present, first] = await askForGood(run, asker, async () => {
        const upperBound = await node.present()
        return [upperBound, await firstOf(node.query({ where: selection.where, lowerBound, upperBound }, sign === 1 ? 'ascending' : 'descending'), selection)]
      })
      return best(run, { selection, lowerBound: merge(lowerBound, present), first }, (a, b) => sign * compareEventKeys(a.meta, b.meta) < 0, told)
    }, onError)
  return {
    observeEarliest: extreme(1),
    observeLatest: extreme(-1),
    observeBestMatch: (query, shouldReplace, onReplaced, onError) =>
      runs.begin(
        (run) => best(run, { selection: selectionOf(query, asker), lowerBound: {} }, (candidate, current) => shouldReplace(eventOf(candidate) as ActyxEvent<never>, eventOf(current) as ActyxEvent<never>), onReplaced),
        onError,
      ),
    observeUnorderedReduce: (query, reduce, initial, onUpdate, onError) =>
      runs.begin(
        (run) =>
          followFold(parts, run, { selection: selectionOf(query, asker), lowerBound: {} }, () => {
            let state = initial
            return {
              take: (event) => {
                const { payload, meta } = eventOf(event)
                state = reduce(state, payload as never, meta)
              },
              tell: () => onUpdate(state),
            }
          }),
        onError,
      ),
  }
}

const isByTime = (order: unknown): boolean => {
  if (order !== undefined && order !== 'lamport' && order !== 'timestamp') throw new ActyxError('ACTYX-QUERY', `eventOrder is lamport or timestamp, not ${shown(order)}`)
  return order === 'timestamp'
}

const firstOf = async (events: AsyncIterable<Event>, { selects }: Selection): Promise<Event | undefined> => {
  for await (const event of events) if (selects(event.meta)) return event
  return undefined
}

interface Fold {
  readonly take: (event: Event) => void
  /** After all that is present, then after each chunk. */
  readonly tell: () => void
}

interface Selected {
  readonly selection: Selection
  readonly lowerBound: OffsetMap
  /** Taken before all others. */
  readonly first?: Event | undefined
}

/** Events are taken in any order; where some of them are no longer held, all are taken again. */
const followFold = ({ node, asker }: { readonly node: Node; readonly asker: Clock }, run: Run, { selection, lowerBound, first }: Selected, begin: () => Fold): Promise<never> => {
  const fresh = () => {
    const fold = begin()
    if (first !== undefined) fold.take(first)
    return fold
  }
  return followEvents(node, asker, run, () => {
    let fold = fresh()
    let isComplete = false
    return {
      query: { where: selection.where, lowerBound },
      late: 'deliver',
      events: (chunk, caughtUp) => {
        const events = chunk.filter(({ meta }) => selection.selects(meta))
        for (const event of events) fold.take(event)
        if (caughtUp ? !isComplete || events.length > 0 : isComplete && events.length > 0) fold.tell()
        isComplete ||= caughtUp
      },
      timeTravel: () => {
        fold = fresh()
        isComplete = false
      },
    }
  })
}

type Replaces = (candidate: Event, current: Event) => boolean

/** Tells the best when it is another one. */
const bestOf = (replaces: Replaces, told: (event: ActyxEvent) => void): (() => Fold) => {
  let toldId: string | undefined
  return () => {
    let best: Event | undefined
    return {
      take: (event) => {
        if (best === undefined || replaces(event, best)) best = event
      },
      tell: () => {
        if (best === undefined || best.meta.eventId === toldId) return
        toldId = best.meta.eventId
        told(eventOf(best))
      },
    }
  }
}
