import type { Event, Meta } from '../core/event.ts'
import type { Where } from '../core/where.ts'

/** Names a fish: the same on all nodes, and where its snapshots lie. */
export interface FishId {
  /** What kind of thing the state is of. */
  readonly entityType: string
  /** Which one. */
  readonly name: string
  /** Raised whenever the recipe changes: snapshots of other versions are not used. */
  readonly version: number
}

export const FishId = { of: (entityType: string, name: string, version: number): FishId => ({ entityType, name, version }) }

/** State folded from events, and its recipe. The folds are pure: same state and event, same result; they change neither. */
export interface Fish<S, E> {
  readonly fishId: FishId
  readonly where: Where
  /** Frozen by the pond. Plain data, unless there is a `deserializeState`. */
  readonly initialState: S
  /** The next state. Called in the order of events; again for the same ones after an older event came late. */
  readonly onEvent: (state: S, event: E, meta: Meta) => S
  /** The same as `onEvent` for each in turn, where a whole chunk can be had cheaper. Not used together with `isReset`. */
  readonly onEvents?: (state: S, events: readonly Event[]) => S
  /** Whether the state after this event does not depend on anything before it: it is folded onto `initialState`, and older events are not read. */
  readonly isReset?: (event: E, meta: Meta) => boolean
  /** Makes a state of what `JSON.parse` gives of its JSON text; for states that are no plain data. */
  readonly deserializeState?: (json: unknown) => S
}

/** One text for equal ids. */
export const fishIdToText = ({ entityType, name, version }: FishId): string => JSON.stringify([entityType, name, version])

const nameOf = (where: Where): string => JSON.stringify(where)

const latestEvent = <E>(where: Where): Fish<E | undefined, E> => ({
  fishId: { entityType: 'millpond.latestEvent', name: nameOf(where), version: 1 },
  where,
  initialState: undefined,
  onEvent: (_, event) => event,
  isReset: () => true,
})

const eventsAscending = <E>(where: Where, capacity = 100): Fish<readonly E[], E> => ({
  fishId: { entityType: 'millpond.eventsAscending', name: `${capacity} ${nameOf(where)}`, version: 1 },
  where,
  initialState: [],
  onEvent: (events, event) => (events.length < capacity ? [...events, event] : events),
})

const eventsDescending = <E>(where: Where, capacity = 100): Fish<readonly E[], E> => ({
  fishId: { entityType: 'millpond.eventsDescending', name: `${capacity} ${nameOf(where)}`, version: 1 },
  where,
  initialState: [],
  onEvent: (events, event) => [event, ...events.slice(0, capacity - 1)],
})

/** Ready-made fish. `latestEvent`: the last by order. `eventsAscending`, `eventsDescending`: the first, the last `capacity` (default 100). */
export const Fish = { latestEvent, eventsAscending, eventsDescending }
