// The shapes of the Actyx interface, under its own names. They are structural: what is written against the published types fits, and the other way round.

/** Text in front of `-<n>` in a stream id. */
export type NodeId = string
export type StreamId = string

/** Highest offset of each stream. As lower bound it is exclusive, a stream not listed comes from its beginning; as upper bound inclusive, of a stream not listed comes nothing. */
export type OffsetMap = Record<StreamId, number>

export interface OffsetsResponse {
  /** What this node holds without gaps. */
  present: OffsetMap
  /** How many events of each stream other nodes are known to hold that are not here yet. An isolated node knows of none. */
  toReplicate: Record<StreamId, number>
}

/** Place of an event in the total order: Lamport time, then stream id as a string; the offset is carried for progress. */
export interface EventKey {
  lamport: number
  offset: number
  stream: StreamId
}

export interface Metadata {
  /** Whether this node made it, under its present identity or a former one. */
  isLocalEvent: boolean
  tags: string[]
  /** Wall time of the author's clock; all events of one publish share it. */
  timestampMicros: number
  timestampAsDate: () => Date
  lamport: number
  /** Lamport time in 16 digits, `/`, stream id: compared as strings, event ids sort as events do. */
  eventId: string
  appId: string
  stream: StreamId
  offset: number
}

export interface ActyxEvent<E = unknown> {
  meta: Metadata
  payload: E
}

/** Events between two bounds, `lowerBound` exclusive, `upperBound` inclusive. */
export interface EventChunk {
  events: ActyxEvent[]
  lowerBound: OffsetMap
  upperBound: OffsetMap
}

export interface TaggedEvent {
  tags: string[]
  event: unknown
}

/** Which events, told as the text of an AQL tag expression by `toString`: a `Where` of the Actyx SDK, `Tags` and `Tag` of this module, or a text. */
export interface Where<E = unknown> {
  toString: () => string
  /** Never there: it carries the type. */
  readonly _dataType?: E
}

/** `asc` (the default) and `desc` by event key; `stream-asc` one stream after the other. */
export type EventsSortOrder = 'asc' | 'desc' | 'stream-asc'

export interface AutoCappedQuery {
  /** Default: all events. */
  query?: Where
  lowerBound?: OffsetMap
  /** One of EventsSortOrder; enumerations of the SDK fit as well. */
  order?: string
  /** An event id: events that sort before it are left out. */
  horizon?: string
}

export interface RangeQuery extends AutoCappedQuery {
  upperBound: OffsetMap
}

export interface EventSubscription {
  query?: Where
  lowerBound?: OffsetMap
}

export interface FixedStart {
  /** What the state at hand covers. */
  from: OffsetMap
  /** The newest event in that state. */
  latestEventKey: EventKey
  /** Events that sort before it are left out. */
  horizon?: EventKey
}

export interface MonotonicSubscription<E> {
  /** Not used, as in Actyx. */
  sessionId: string
  query: Where<E>
  /** Default: from the beginning. */
  attemptStartFrom?: FixedStart
}

/** `caughtUp`: nothing more is present. */
export interface EventsMsg<E> {
  type: 'events'
  events: ActyxEvent<E>[]
  caughtUp: boolean
}

/**
 * The last message: begin anew. `trigger` is the first event by order that was not given, as a key and as the event.
 * `high` is the same one, for consumers of the time before SDK 0.5: they drop states between the two, and are told again where more lies above.
 */
export interface TimeTravelMsg<E> {
  type: 'timetravel'
  trigger: EventKey & ActyxEvent<E>
  high: EventKey & ActyxEvent<E>
}

export type EventsOrTimetravel<E> = EventsMsg<E> | TimeTravelMsg<E>

export interface EarliestQuery<E> {
  query: Where<E>
  lowerBound?: OffsetMap
  /** `lamport` (the default) or `timestamp`: by the authors' clocks, events of the same time by event key. */
  eventOrder?: string
}

/** A text of AQL, or one with the order of a query that says none. */
export type AqlQuery = string | { query: string; order?: string }

/** Of a result that was made of several events `meta` is the key and time of the last of them, with neither tags nor app id; of one that was made of none all is empty. */
export interface AqlEventMessage {
  type: 'event'
  payload: unknown
  meta: Metadata
}

export interface AqlOffsetsMsg {
  type: 'offsets'
  offsets: OffsetMap
}

export interface AqlDiagnosticMessage {
  type: 'diagnostic'
  severity: string
  message: string
}

/**
 * Typed as in Actyx, where further types are left for later. At run time `type` is `antiEvent` (a result given before holds no longer),
 * `reset` (nothing given before holds, all comes again) or `explain` (how the query was read; in `payload`).
 */
export interface AqlFutureCompat {
  type: never
  payload: unknown
  meta: Record<string, unknown>
}

export type AqlResponse = AqlEventMessage | AqlOffsetsMsg | AqlDiagnosticMessage | AqlFutureCompat

export type CancelSubscription = () => void

/** With an error: the operation has ended by it; without: it is complete. */
export type OnCompleteOrErr = (error?: unknown) => void

export interface PendingEmission {
  /** Called once with the metadata; at once, within the call, when it is there already. Not called when publishing failed. */
  subscribe: (whenEmitted: (meta: Metadata[]) => void) => void
  toPromise: () => Promise<Metadata[]>
}

export interface AppManifest {
  /** Of what is published, and of `appId(me)`. */
  appId: string
  displayName: string
  version: string
  signature?: string
}
