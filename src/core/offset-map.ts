import type { Offset, StreamId } from './ids.ts'

/** The highest offset held of each stream, every lower one held too. A stream not listed is empty. */
export type OffsetMap = Readonly<Record<StreamId, Offset>>

/** Events of one stream: from `first` to `last`, both included. */
export interface OffsetRange {
  readonly stream: StreamId
  readonly first: Offset
  readonly last: Offset
}

/** Streams with their highest offset, in ascending order of stream id. */
export const offsetsOf = (map: OffsetMap): readonly (readonly [StreamId, Offset])[] =>
  (Object.entries(map) as [StreamId, Offset][]).sort(([a], [b]) => (a < b ? -1 : 1))

/** Highest offset held; -1 for none. */
export const lastOf = (map: OffsetMap, stream: StreamId): Offset => map[stream] ?? -1

/** Whether the event is covered. */
export const includesEvent = (map: OffsetMap, stream: StreamId, offset: Offset): boolean => offset <= lastOf(map, stream)

/** Whether `a` covers all that `b` does. */
export const includesAll = (a: OffsetMap, b: OffsetMap): boolean =>
  (Object.entries(b) as [StreamId, Offset][]).every(([stream, last]) => includesEvent(a, stream, last))

/**
 * What to send so that a holder of `theirs` comes to hold `ours` as well.
 *
 * @returns at most one range per stream, in ascending order of stream id; empty when nothing lacks.
 */
export const missingRanges = (ours: OffsetMap, theirs: OffsetMap): readonly OffsetRange[] =>
  offsetsOf(ours).flatMap(([stream, last]) => {
    const first = lastOf(theirs, stream) + 1
    return first <= last ? [{ stream, first, last }] : []
  })

/** What both cover together: the higher offset of each stream. */
export const merge = (a: OffsetMap, b: OffsetMap): OffsetMap => {
  const merged: Record<StreamId, Offset> = { ...a }
  for (const [stream, last] of Object.entries(b) as [StreamId, Offset][]) if (last > lastOf(a, stream)) merged[stream] = last
  return merged
}
