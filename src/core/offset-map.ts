import type { Offset, StreamId } from './ids.ts'

/** The highest offset held of each stream, every lower one held too. A stream not listed is empty. */
export type OffsetMap = Readonly<Record<StreamId, Offset>>

/** Events of one stream: from `first` to `last`, both included. */
export interface OffsetRange {
  readonly stream: StreamId
  readonly first: Offset
  readonly last: Offset
}
