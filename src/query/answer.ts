import type { JsonValue } from '../core/json.ts'
import type { OffsetMap } from '../core/offset-map.ts'
import type { Origin } from './origin.ts'
import type { Outcome } from './stage.ts'
import { valueToJson } from './value.ts'

/**
 * What a query answers, one at a time.
 *
 * `event`: a result. `antiEvent` (of subscriptions): a result given before no longer holds; results minus those taken back are what the query gives now.
 * `diagnostic`: a step had no value for an input, and the query goes on without it.
 * `offsets`: everything up to here is in the results. `reset` (of subscriptions): nothing given before holds, all comes again.
 * `explain`: what `EXPLAIN` asks for.
 */
export type Answer =
  | { readonly type: 'event' | 'antiEvent'; readonly payload: JsonValue; readonly origin: Origin }
  | { readonly type: 'diagnostic'; readonly severity: 'warning'; readonly message: string }
  | { readonly type: 'offsets'; readonly offsets: OffsetMap }
  | { readonly type: 'reset' }
  | { readonly type: 'explain'; readonly explanation: Explanation }

/** How a query was read. Segments are the closed ones; what is not yet closed of a stream is read whole, as one open segment. */
export interface Explanation {
  /** The query as it was understood. */
  readonly query: string
  readonly order: 'ascending' | 'descending'
  /** Streams with events within the bounds. */
  readonly streams: number
  /** Closed segments within the bounds. */
  readonly segments: number
  /** Of those: ruled out by their summaries, by tags, app id, time or Lamport time. */
  readonly segmentsSkipped: number
  /** Of those: read from disk and inflated. Fewer than the rest when the query ended early. */
  readonly segmentsOpened: number
  readonly openSegmentsRead: number
  /** Events that the store gave, and those of them that the tag expression means. */
  readonly eventsRead: number
  readonly eventsSelected: number
  readonly results: number
  readonly warnings: number
}

export const answerOf = (outcome: Outcome): Answer =>
  outcome.type === 'fault'
    ? { type: 'diagnostic', severity: 'warning', message: outcome.message }
    : { type: outcome.anti ? 'antiEvent' : 'event', payload: valueToJson(outcome.value.value), origin: outcome.value.origin }
