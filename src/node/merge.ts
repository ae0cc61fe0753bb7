/** The smallest of many, kept up to date as it changes: a binary heap. */
export interface Merge<T> {
  readonly first: () => T | undefined
  /** The first one's place may be another now. */
  readonly firstChanged: () => void
  readonly removeFirst: () => void
  /** Up to so many of those that follow the first one soon, in no order. */
  readonly near: (count: number) => readonly T[]
}

/** @param items changed in place, owned from here on */
export const createMerge = <T>(items: T[], isBefore: (a: T, b: T) => boolean): Merge<T> => {
  const sink = (place: number, item: T) => {
    let at = place
    for (;;) {
      const left = items[2 * at + 1]
      const right = items[2 * at + 2]
      if (left === undefined) break
      const [child, childAt] = right !== undefined && isBefore(right, left) ? [right, 2 * at + 2] : [left, 2 * at + 1]
      if (!isBefore(child, item)) break
      items[at] = child
      at = childAt
    }
    items[at] = item
  }
  for (const [back, item] of items.toReversed().entries()) sink(items.length - 1 - back, item)
  return {
    first: () => items[0],
    firstChanged: () => {
      const [item] = items
      if (item !== undefined) sink(0, item)
    },
    near: (count) => items.slice(1, 1 + count),
    removeFirst: () => {
      const last = items.pop()
      if (last !== undefined && items.length > 0) sink(0, last)
    },
  }
}
