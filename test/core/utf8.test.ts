import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeUtf8, encodeUtf8, isWellFormed, utf8Length } from '../../src/core/utf8.ts'
import { isAppId, isTag, normaliseTag } from '../../src/core/tags.ts'

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.array(fc.nat({ max: 0xffff }), { maxLength: 8 }).map((units) => String.fromCharCode(...units)))

test('[F5] well-formed text comes back from UTF-8, and its length is counted without encoding', () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(utf8Length(value)).toBe(encodeUtf8(value).length)
      expect(isWellFormed(value)).toBe(decodeUtf8(encodeUtf8(value)) === value)
    }),
    { numRuns: 1000 },
  )
})

test('[F5] what is not UTF-8 is refused, and the decoder goes on working', () => {
  expect(decodeUtf8(Uint8Array.of(0xe2, 0x82))).toBeUndefined()
  expect(decodeUtf8(Uint8Array.of(0xac))).toBeUndefined()
  expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe('\ufeffA')
})

test('[F12] a tag has 1 to 1,024 bytes', () => {
  for (const good of ['a', 'é'.repeat(512), '\u{1f44b}'.repeat(256)]) expect(isTag(good)).toBe(true)
  for (const bad of ['', 'a'.repeat(1025), 'é'.repeat(513), '\ud800', '\udc00\ud800', 1, null, undefined]) expect(isTag(bad)).toBe(false)
})

test('[F11] an app id has up to 256 bytes', () => {
  for (const good of ['', 'a'.repeat(256), '\u20ac'.repeat(85)]) expect(isAppId(good)).toBe(true)
  for (const bad of ['a'.repeat(257), '\u20ac'.repeat(86), '\ud83d', {}]) expect(isAppId(bad)).toBe(false)
})

test('[F15] normal form C leaves a lone surrogate as it is', () => {
  expect(normaliseTag('e\u0301')).toBe('\u00e9')
  expect(normaliseTag('\ud800e\u0301')).toBe('\ud800e\u0301')
})
