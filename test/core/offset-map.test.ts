import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StreamId } from '../../src/core/ids.ts'
import { includesAll, includesEvent, lastOf, merge, missingRanges, offsetsOf, type OffsetMap } from '../../src/core/offset-map.ts'

const stream = (name: string): StreamId => `${name.repeat(43)}-0` as StreamId
const offsetMap: fc.Arbitrary<OffsetMap> = fc
  .dictionary(fc.constantFrom(...'abcde'), fc.nat({ max: 5 }))
  .map((byName) => Object.freeze(Object.fromEntries(Object.entries(byName).map(([name, last]) => [stream(name), last]))))

/** What a holder of `map` has after it was given `ranges`, event by event; `undefined` when that leaves a gap. */
const given = (map: OffsetMap, ranges: ReturnType<typeof missingRanges>): OffsetMap | undefined => {
  const result: Record<StreamId, number> = { ...map }
  for (const { stream: id, first, last } of ranges) {
    if (first !== lastOf(result, id) + 1) return undefined
    result[id] = last
  }
  return result
}

test('[F33] what is missing, given to the other, makes both hold the same', () => {
  fc.assert(
    fc.property(offsetMap, offsetMap, (ours, theirs) => {
      expect(given(theirs, missingRanges(ours, theirs))).toEqual(merge(ours, theirs))
      expect(missingRanges(ours, merge(ours, theirs))).toEqual([])
    }),
  )
})

test('[F33] merging is commutative, associative and idempotent, and covers both', () => {
  fc.assert(
    fc.property(offsetMap, offsetMap, offsetMap, (a, b, c) => {
      expect(merge(a, b)).toEqual(merge(b, a))
      expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)))
      expect(merge(a, a)).toEqual(a)
      expect(merge(a, {})).toEqual(a)
      expect(includesAll(merge(a, b), a) && includesAll(merge(a, b), b)).toBe(true)
      expect(includesAll(a, b)).toBe(missingRanges(b, a).length === 0)
    }),
  )
})

test('[F33] a stream not listed is empty; ranges include both ends and come by stream id', () => {
  const [a, b, c] = [stream('a'), stream('b'), stream('c')]
  expect(missingRanges({ [c]: 0, [a]: 4, [b]: 2 }, { [a]: 1, [b]: 2 })).toEqual([{ stream: a, first: 2, last: 4 }, { stream: c, first: 0, last: 0 }])
  expect(lastOf({ [a]: 0 }, a)).toBe(0)
  expect(lastOf({}, a)).toBe(-1)
  expect([includesAll({}, {}), includesAll({}, { [a]: 0 })]).toEqual([true, false])
  expect(includesEvent({ [a]: 3 }, a, 3)).toBe(true)
  expect(includesEvent({ [a]: 3 }, a, 4)).toBe(false)
  expect(includesEvent({}, a, 0)).toBe(false)
  expect(offsetsOf({ [b]: 1, [a]: 2 })).toEqual([[a, 2], [b, 1]])
})
