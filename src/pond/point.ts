import { compareEventKeys, type EventKey } from '../core/event-key.ts'
import type { OffsetMap } from '../core/offset-map.ts'

/** Where a fold stands. */
export interface Progress {
  /** Of the fish's events, all up to these offsets have been folded, or lie at or below `horizon`. */
  readonly covered: OffsetMap
  /** Newest event folded of each stream that the state depends on. */
  readonly basis: OffsetMap
  /** Last event folded; `undefined`: none yet. */
  readonly last: EventKey | undefined
  /** The newest reset folded: nothing up to it is wanted any more. */
  readonly horizon: EventKey | undefined
  /** Events folded, from the beginning or the first reset on. */
  readonly count: number
}

/** A state to go on from. `open` gives it; each time a new one where it can be changed. */
export interface Point<S> extends Progress {
  readonly open: () => S
}

/** Whether a fold may go on from there although that event was not folded. */
export const isBefore = ({ last, horizon }: Progress, late: EventKey): boolean =>
  last === undefined || compareEventKeys(last, late) < 0 || (horizon !== undefined && compareEventKeys(late, horizon) <= 0)

export const newestBefore = <P extends Progress>(points: readonly P[], late: EventKey): P | undefined => points.findLast((point) => isBefore(point, late))

/**
 * Leaves out of points in ascending order those that are not needed: of `n` events to fold again to reach `count`, at most `reach` times as many are,
 * or `spacing` more. So their number grows with the logarithm of `count`.
 */
export const thin = <P extends { readonly count: number }>(points: readonly P[], count: number, { spacing, reach }: { readonly spacing: number; readonly reach: number }): readonly P[] => {
  const kept: P[] = []
  for (let index = points.length - 1; index >= 0; index--) {
    const [point, before, after] = [points[index], points[index - 1], kept[0]]
    if (point === undefined) continue
    const isNeeded = after === undefined || before === undefined || after.count - before.count > Math.max(spacing, (count - after.count) * (reach - 1))
    if (isNeeded) kept.unshift(point)
  }
  return kept
}
