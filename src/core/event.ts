import type { EventId, Lamport, NodeId, Offset, StreamId } from './ids.ts'
import type { JsonValue } from './json.ts'
import type { OffsetMap } from './offset-map.ts'

/** What is known of an event besides its payload. */
export interface Meta {
  readonly eventId: EventId
  readonly lamport: Lamport
  readonly stream: StreamId
  readonly offset: Offset
  /** Wall time of the author's clock, for people only: never for order. All events of one batch share it. */
  readonly timestampMicros: number
  readonly appId: string
  readonly tags: readonly string[]
  /** Whether this node made it, under its present identity or a former one. */
  readonly isLocalEvent: boolean
  /** What the author had applied: newest offset of each stream that contributed; `null`: more than 64 streams; absent: not recorded. */
  readonly basis?: OffsetMap | null
  readonly timestampAsDate: () => Date
}

/** A fact recorded once and never changed. */
export interface Event {
  readonly meta: Meta
  readonly payload: JsonValue
}

/** What `publish` takes: labels and any JSON value. */
export interface TaggedEvent {
  readonly tags: readonly string[]
  readonly event: JsonValue
  readonly basis?: OffsetMap | null
}

/** Who published, for `isLocalEvent`: the node ids of the present identity and the former ones. */
export type OwnNodeIds = ReadonlySet<NodeId>
