import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPlainObject, isWithinDepth, whyNotJson } from '../../src/core/json.ts'
import { encodeUtf8 } from '../../src/core/utf8.ts'

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
const bounds = { depthMax: 61, valueCountMax: 1000 }

test('[F5] the depth found by counting brackets is that of the value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat({ max: 7 }), (value, depthMax) => {
      expect(isWithinDepth(encodeUtf8(JSON.stringify(value)), depthMax)).toBe(depthOf(value) <= depthMax)
    }),
    { numRuns: 500 },
  )
})

test('[F5] counting never fails, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      expect(typeof isWithinDepth(bytes, 3)).toBe('boolean')
    }),
  )
  expect(isWithinDepth(encodeUtf8('"\\'), 0)).toBe(true)
})

test('[F15] what JSON can say comes back the same, what it cannot is named with its place', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(whyNotJson(value, bounds)).toBeUndefined()
    }),
  )
  expect(whyNotJson({ a: [{ b: NaN }] }, bounds)).toBe('payload.a[0].b is NaN')
  expect(whyNotJson([undefined], bounds)).toBe('payload[0] is undefined')
  expect(whyNotJson({ a: new Date(0) }, bounds)).toBe('payload.a is an instance of a class')
  expect(whyNotJson(Array(1000).fill(0), bounds)).toBe('has too many values (or is cyclic)')
  expect(whyNotJson(Array(999).fill(0), bounds)).toBeUndefined()
})

/** Equal as JSON: no difference between 0 and -0, nor between a property that is absent and one that is undefined. */
const isSame = (a: unknown, b: unknown): boolean => {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, at) => isSame(item, b[at]))
  if (!isPlainObject(a)) return a === b
  return isPlainObject(b) && [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => isSame(own(a, key), own(b, key)))
}
const own = (object: Readonly<Record<string, unknown>>, key: string): unknown => Object.getOwnPropertyDescriptor(object, key)?.value

test('[F15] whatever may be published comes back as it was', () => {
  const anything = fc.anything({ withNullPrototype: true, withSparseArray: true, withDate: true, withMap: true, withBigInt: true, withTypedArray: true })
  fc.assert(
    fc.property(anything, (value) => {
      expect(whyNotJson(value, bounds) !== undefined || isSame(JSON.parse(JSON.stringify(value)), value)).toBe(true)
    }),
    { numRuns: 1000 },
  )
})

test('[F15] plain objects are those of this frame, of another, and those without prototype', () => {
  class Custom {}
  for (const plain of [{}, Object.create(null), JSON.parse('{"__proto__":1}')]) expect(isPlainObject(plain)).toBe(true)
  for (const other of [[], new Custom(), new Map(), null, 1, 'a', () => 1, new Error('a')]) expect(isPlainObject(other)).toBe(false)
})
