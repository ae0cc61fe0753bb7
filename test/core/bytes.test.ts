import fc from 'fast-check'
import { expect, test } from 'vitest'
import { base64UrlToBytes, bytesToBase64Url, bytesToHex, concatBytes, equalBytes, hexToBytes, startsWithBytes } from '../../src/core/bytes.ts'

test('[F31] base64url and hex come back, and have one form only', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(base64UrlToBytes(bytesToBase64Url(bytes))).toEqual(bytes)
      expect(bytesToBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'))
      expect(hexToBytes(bytesToHex(bytes))).toEqual(bytes)
    }),
  )
  fc.assert(
    fc.property(fc.string({ maxLength: 8 }), (text) => {
      const bytes = base64UrlToBytes(text)
      expect(bytes === undefined || bytesToBase64Url(bytes) === text).toBe(true)
    }),
  )
  for (const text of ['A', 'AB', 'AA=', 'A+', 'é']) expect(base64UrlToBytes(text)).toBeUndefined()
  for (const text of ['0', 'AB', '0g', ' 00']) expect(hexToBytes(text)).toBeUndefined()
})

test('joining and comparing bytes', () => {
  const [a, b] = [Uint8Array.of(1, 2), Uint8Array.of(3)]
  expect(concatBytes([a, new Uint8Array(0), b])).toEqual(Uint8Array.of(1, 2, 3))
  expect(equalBytes(a, Uint8Array.of(1, 2))).toBe(true)
  expect(equalBytes(a, Uint8Array.of(1, 3))).toBe(false)
  expect(equalBytes(a, Uint8Array.of(1))).toBe(false)
  expect(startsWithBytes(concatBytes([a, b]), a)).toBe(true)
  expect(startsWithBytes(a, concatBytes([a, b]))).toBe(false)
  expect(startsWithBytes(a, new Uint8Array(0))).toBe(true)
})
