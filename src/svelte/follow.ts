/** What a node tells, as values that Svelte follows. @module millpond/svelte */
import { compareEventKeys } from '../core/event-key.ts'
import type { Event } from '../core/event.ts'
import type { JsonValue } from '../core/json.ts'
import type { AqlOptions, Node, Query } from '../node/node.ts'
import type { Fish } from '../pond/fish.ts'
import type { Pond } from '../pond/pond.ts'
import { LiveValue } from './value.ts'

export { LiveValue, type Now } from './value.ts'

/** The state of a fish. */
export const liveFish = <S, E>(pond: Pond, fish: Fish<S, E>): LiveValue<S> =>
  new LiveValue(fish.initialState, ({ ready, failed }) => pond.observe(fish, ready, failed))

/** The last events of a query in order, at most `capacity` (default 1,000). */
export const liveEvents = (node: Node, query: Query, capacity = 1_000): LiveValue<readonly Event[]> =>
  new LiveValue<readonly Event[]>([], ({ ready, failed }) => {
    let events: readonly Event[] = []
    const take = (chunk: readonly Event[], caughtUp: boolean): void => {
      const last = events.at(-1)
      const isLater = last === undefined || chunk[0] === undefined || compareEventKeys(chunk[0].meta, last.meta) > 0
      const all = [...events, ...chunk]
      events = (isLater ? all : all.sort((a, b) => compareEventKeys(a.meta, b.meta))).slice(-capacity)
      if (caughtUp) ready(events)
    }
    return node.subscribe(query, { events: take, timeTravel: () => (events = []), failed }, 'deliver')
  })

/** What a query in AQL gives now, in the order in which its results came about; one that no longer holds is taken out. */
export const liveQuery = (node: Node, text: string, options?: Omit<AqlOptions, 'order'>): LiveValue<readonly JsonValue[]> =>
  new LiveValue<readonly JsonValue[]>([], ({ ready, failed }) => {
    /** By their text, so that one can be taken out without looking at all. Their order is that in which they came. */
    let results = new Map<number, JsonValue>()
    let placesByText = new Map<string, number[]>()
    let count = 0
    const add = (payload: JsonValue): void => {
      const text = JSON.stringify(payload)
      placesByText.set(text, [...(placesByText.get(text) ?? []), count])
      results.set(count++, payload)
    }
    const remove = (payload: JsonValue): void => {
      const text = JSON.stringify(payload)
      const places = placesByText.get(text) ?? []
      const place = places.pop()
      if (place !== undefined) results.delete(place)
      if (places.length === 0) placesByText.delete(text)
    }
    return node.subscribeAql(
      text,
      {
        answers: (answers, caughtUp) => {
          for (const answer of answers) {
            if (answer.type === 'event') add(answer.payload)
            else if (answer.type === 'antiEvent') remove(answer.payload)
            else if (answer.type === 'reset') [results, placesByText] = [new Map(), new Map()]
          }
          if (caughtUp) ready([...results.values()])
        },
        failed,
      },
      options,
    )
  })
