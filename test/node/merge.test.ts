import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMerge } from '../../src/node/merge.ts'

const drain = (lists: readonly (readonly number[])[]) => {
  const cursors = lists.filter((list) => list.length > 0).map((list) => ({ list, at: 0 }))
  const current = ({ list, at }: { list: readonly number[]; at: number }) => list[at] ?? Infinity
  const merge = createMerge(cursors, (a, b) => current(a) < current(b))
  const drained: number[] = []
  for (let cursor = merge.first(); cursor !== undefined; cursor = merge.first()) {
    drained.push(current(cursor))
    cursor.at++
    if (cursor.at === cursor.list.length) merge.removeFirst()
    else merge.firstChanged()
  }
  return drained
}

test('[G5] gives what is in many ascending lists in ascending order', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat())), (lists) => {
      const ascending = lists.map((list) => list.toSorted((a, b) => a - b))
      expect(drain(ascending)).toEqual(lists.flat().sort((a, b) => a - b))
    }),
  )
})
