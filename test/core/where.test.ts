import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allEvents, matches, matchesAll, normaliseWhere, type Conjunction, type Labels } from '../../src/core/where.ts'

const labels: Labels = { tags: ['order:1', 'station:a'], appId: 'app', isLocal: false, lamport: 10, timestampMicros: 100 }

test('an event matches when all of at least one conjunction holds', () => {
  const check = (where: readonly Conjunction[], expected: boolean): void => expect(matches(where, labels)).toBe(expected)
  check(allEvents, true)
  check([], false)
  check([{ tags: ['order:1', 'station:a'] }], true)
  check([{ tags: ['order:1', 'station:b'] }], false)
  check([{ tags: ['order:2'] }, { tags: ['station:a'] }], true)
  check([{ tags: [], appId: 'app' }], true)
  check([{ tags: ['order:1'], appId: 'other' }], false)
  check([{ tags: [], local: true }], false)
  check([{ tags: ['order'] }], false)
})

test('a selection of all events is known as such', () => {
  for (const where of [allEvents, [{ tags: ['a'] }, { tags: [] }]]) expect(matchesAll(where)).toBe(true)
  for (const where of [[], [{ tags: ['a'] }], [{ tags: [], local: true as const }], [{ tags: [], minLamport: 1 }]]) expect(matchesAll(where)).toBe(false)
})

test('[G5] bounds of time and Lamport time are included', () => {
  const check = (conjunction: Omit<Conjunction, 'tags'>, expected: boolean): void => expect(matches([{ tags: [], ...conjunction }], labels)).toBe(expected)
  check({ minLamport: 10, maxLamport: 10, minMicros: 100, maxMicros: 100 }, true)
  check({ minLamport: 11 }, false)
  check({ maxLamport: 9 }, false)
  check({ minMicros: 101 }, false)
  check({ maxMicros: 99 }, false)
})

test('[G5] a local event matches `local`', () => {
  expect(matches([{ tags: ['order:1'], local: true }], { ...labels, isLocal: true })).toBe(true)
})

test('[F15] asked tags are brought to normal form C, each once, and match as before', () => {
  expect(normaliseWhere([{ tags: ['e\u0301', '\u00e9'], local: true, appId: 'a' }])).toEqual([{ tags: ['\u00e9'], local: true, appId: 'a' }])
  const tag = fc.constantFrom('a', 'b', 'c')
  fc.assert(
    fc.property(fc.array(fc.record({ tags: fc.array(tag) })), fc.array(tag), (where, tags) => {
      expect(matches(normaliseWhere(where), { ...labels, tags })).toBe(matches(where, { ...labels, tags }))
    }),
  )
})
