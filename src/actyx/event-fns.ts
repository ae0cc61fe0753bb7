import type {
  ActyxEvent, AqlQuery, AqlResponse, AutoCappedQuery, CancelSubscription, EarliestQuery, EventChunk, EventsOrTimetravel, EventSubscription, Metadata, MonotonicSubscription, OffsetMap,
  OffsetsResponse, OnCompleteOrErr, PendingEmission, RangeQuery, TaggedEvent, Where,
} from './types.ts'

/**
 * What applications written for Actyx call, 18 members, and the contract that they rely on.
 *
 * Callbacks
 * - [C1] No callback comes within the call that subscribes or queries.
 * - [C2] Callbacks of one subscription or query never overlap; a promise that one returns is awaited before the next, and what comes meanwhile waits on disk.
 * - [C3] After cancelling, nothing is called any more: no event, no completion, no error. Cancelling twice is harmless. The exception is [C4].
 * - [C4] `queryAllKnownChunked`, cancelled before the present is known, completes out of the cancelling call.
 * - [C5] A callback that throws or rejects ends its subscription or query, with that error; the others and the node go on.
 * - [C6] A live subscription ends in no other way while its node lives: a disk that fails for a while is asked again.
 *
 * Publishing
 * - [C7] `publish` resolves with the metadata in the order given; the event id is the Lamport time in 16 digits, `/`, and the stream id.
 * - [C8] What was published comes to the own subscriptions, once.
 * - [C9] Calls keep their order, without being awaited.
 * - [C10] More than one batch holds is published as several, in order; nothing of it when an event of it is refused.
 * - [C11] `PendingEmission.subscribe` calls back within the call once the emission is complete.
 * - [C12] Payloads are carried as `JSON.stringify` writes them; what JSON cannot say is refused with its place, as are tags that are no texts.
 *
 * Queries
 * - [C13] `order` is ascending when absent, `stream-asc` is stream by stream, `desc` the reverse of ascending.
 * - [C14] Lower bounds are exclusive, upper bounds inclusive; without upper bound it ends at the present. The `upperBound` of an answer, given as `lowerBound` later, gives each event exactly once.
 * - [C15] Chunks of an ascending query begin at the lower bound, each where the one before ended; those of a descending one shrink from the upper bound. No events: no chunk, only the completion.
 * - [C16] `horizon`: events that sort before it are left out.
 * - [C17] Offsets that are none, a bound beyond the present, an unknown order, a chunk size below 1, a tag expression that is none: an error that says so, and nothing else happens.
 *
 * Subscriptions
 * - [C18] `subscribe` and `subscribeChunked` give late events as they come, each event once, those of one stream in order; a chunk is sorted, and its bounds cover it.
 * - [C19] `subscribeMonotonic` begins with a message even when nothing matches: `events`, empty, `caughtUp`.
 * - [C20] `caughtUp` is false on all but the last chunk of what is present.
 * - [C21] An event that sorts before one already given: `timetravel`, then nothing but the completion without an error.
 * - [C22] `trigger` is the earliest event not yet given, as a key, and as an event with `meta` and `payload`.
 * - [C23] A start that does not hold, because an event at or before `latestEventKey` lies beyond `from`: time travel at once.
 * - [C24] Catching up after an absence travels once, not once for each part.
 * - [C25] Cancelling and subscribing anew within the `timetravel` message works, and the old completion does not come.
 * - [C26] Publishes between which the subscription has caught up come as chunks of their own.
 *
 * Observing
 * - [C27] `observeEarliest`, `observeLatest`, `observeBestMatch` are silent until something matches, tell the present best first, then each that replaces it, and heed `lowerBound`.
 * - [C28] `observeUnorderedReduce` tells the initial value even with no events, then once for each chunk.
 *
 * AQL
 * - [C29] Texts pass through untouched; answers come as `event`, `offsets`, `diagnostic`, and Millpond's further types as `{ type, payload, meta }`.
 * - [C30] `subscribeAql` heeds its lower bound, tells `offsets` when it has caught up, and takes back by `antiEvent` what no longer holds.
 *
 * The rest
 * - [C31] `offsets().toReplicate` counts what others are known to hold and this node does not.
 * - [C32] `dispose` stops all that was begun here; what is called afterwards is refused. The node goes on.
 * - [C33] `waitForSync` waits for others only in the first 30 s of the node, and never fails for want of them.
 * - [C34] Snapshots: the newest is given back, those at or above an invalidated key are gone, those of an older version are refused.
 * - [C35] What one consumer does to an event that it was given, no other sees.
 */
export interface EventFns {
  /** What this node holds, without gaps. */
  present: () => Promise<OffsetMap>
  /** The present, and what is known to be missing. */
  offsets: () => Promise<OffsetsResponse>
  /** Events between two bounds, in one array. @throws ActyxError `ACTYX-QUERY`, `ACTYX-BOUND` */
  queryKnownRange: (query: RangeQuery) => Promise<ActyxEvent[]>
  /** The same in chunks of at most `chunkSize` events. @returns a function that cancels it */
  queryKnownRangeChunked: (query: RangeQuery, chunkSize: number, onChunk: (chunk: EventChunk) => Promise<void> | void, onComplete?: OnCompleteOrErr) => CancelSubscription
  /** Events above a bound, as present when called. @throws ActyxError `ACTYX-QUERY` */
  queryAllKnown: (query: AutoCappedQuery) => Promise<EventChunk>
  /** The same in chunks of at most `chunkSize` events. @returns a function that cancels it */
  queryAllKnownChunked: (query: AutoCappedQuery, chunkSize: number, onChunk: (chunk: EventChunk) => Promise<void> | void, onComplete?: OnCompleteOrErr) => CancelSubscription
  /** All answers of a query in AQL over what is present when called; the last one has the offsets that they cover. @throws QueryError with the place in the text */
  queryAql: (query: AqlQuery) => Promise<AqlResponse[]>
  /** The same in chunks of at most `chunkSize` answers. @returns a function that cancels it */
  queryAqlChunked: (query: AqlQuery, chunkSize: number, onChunk: (chunk: AqlResponse[]) => Promise<void> | void, onCompleteOrError: OnCompleteOrErr) => CancelSubscription
  /** Follows a query in AQL. @returns a function that cancels it */
  subscribeAql: (query: AqlQuery, onResponse: (response: AqlResponse) => Promise<void> | void, onError?: (error: unknown) => void, lowerBound?: OffsetMap) => CancelSubscription
  /** Follows events, one at a time. @returns a function that cancels it */
  subscribe: (query: EventSubscription, onEvent: (event: ActyxEvent) => Promise<void> | void, onError?: (error: unknown) => void) => CancelSubscription
  /** Follows events in chunks of at most `maxChunkSize` (1000) events. They come when they are there: `maxChunkTimeMs` is never waited for. @returns a function that cancels it */
  subscribeChunked: (
    query: EventSubscription,
    chunkConfig: { maxChunkSize?: number; maxChunkTimeMs?: number },
    onChunk: (chunk: EventChunk) => Promise<void> | void,
    onError?: (error: unknown) => void,
  ) => CancelSubscription
  /**
   * Follows events in their order, until one comes that sorts before one already given. A late event is told after a lull of 0.1 s, at most 1 s; after up to 10 s
   * while a connected node holds more. `M` is the type of messages as the caller knows them. @returns a function that cancels it
   */
  subscribeMonotonic: <E, M extends { type: string } = EventsOrTimetravel<E>>(
    query: MonotonicSubscription<E>,
    callback: (message: M) => Promise<void> | void,
    onCompleteOrErr?: OnCompleteOrErr,
  ) => CancelSubscription
  /** The first event by order, and each that replaces it. @returns a function that cancels it */
  observeEarliest: <E>(query: EarliestQuery<E>, onNewEarliest: (event: E, metadata: Metadata) => void, onError?: (error: unknown) => void) => CancelSubscription
  /** The last event by order, and each that replaces it. @returns a function that cancels it */
  observeLatest: <E>(query: EarliestQuery<E>, onNewLatest: (event: E, metadata: Metadata) => void, onError?: (error: unknown) => void) => CancelSubscription
  /** The best event: one that `shouldReplace` preferred to each other. In which order they are compared is not said. @returns a function that cancels it */
  observeBestMatch: <E>(
    query: Where<E>,
    shouldReplace: (candidate: ActyxEvent<E>, current: ActyxEvent<E>) => boolean,
    onReplaced: (event: E, metadata: Metadata) => void,
    onError?: (error: unknown) => void,
  ) => CancelSubscription
  /** All events folded by a function for which their order does not matter. @returns a function that cancels it */
  observeUnorderedReduce: <R, E>(
    query: Where<E>,
    reduce: (accumulator: R, event: E, metadata: Metadata) => R,
    initial: R,
    onUpdate: (result: R) => void,
    onError?: (error: unknown) => void,
  ) => CancelSubscription
  /** As `publish`. @deprecated in Actyx: `publish` instead, awaited */
  emit: (events: TaggedEvent[]) => PendingEmission
  /** Adds events; resolves when they are durable here. @throws ActyxError `ACTYX-EVENT`, StoreError */
  publish: {
    (event: TaggedEvent): Promise<Metadata>
    (events: TaggedEvent[]): Promise<Metadata[]>
  }
}
