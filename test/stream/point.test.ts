import { expect, test } from 'vitest'
import { bytesToHex } from '../../src/core/bytes.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { isCanonicalSignature, isSigningKey } from '../../src/stream/point.ts'
import { littleEndian, ORDER, smallOrderEncodings } from './curve.ts'
import { hex, publishedKeys } from './keys.ts'
import { smallOrder } from './validity-cases.ts'

const P = 2n ** 255n - 19n

test('[F28] the 14 encodings of small order are those that the curve gives, and none may sign', () => {
  expect(smallOrderEncodings().map(bytesToHex).toSorted()).toEqual([...smallOrder].toSorted())
  for (const encoding of smallOrder) expect(isSigningKey(hex(encoding))).toBe(false)
})

test('[F28] y is below p', () => {
  for (const [y, expected] of [[P - 2n, true], [P - 1n, false], [P, false], [P + 2n, false], [2n ** 255n - 1n, false], [2n, true], [1n, false]] as const) {
    for (const sign of [0n, 1n]) expect(isSigningKey(littleEndian(y | (sign << 255n)))).toBe(expected)
  }
  expect(isSigningKey(new Uint8Array(31).fill(5))).toBe(false)
  expect(isSigningKey(new Uint8Array(33).fill(5))).toBe(false)
})

test('[F28] real keys may sign', async () => {
  for (const [, publicKey] of publishedKeys) expect(isSigningKey(hex(publicKey))).toBe(true)
  for (let count = 0; count < 20; count++) expect(isSigningKey((await webCrypto.generateIdentity()).publicKey)).toBe(true)
})

test('[F29] the second half of a signature is below L', () => {
  const signature = (s: bigint): Uint8Array => Uint8Array.from([...hex(publishedKeys[0][1]), ...littleEndian(s)])
  expect(isCanonicalSignature(signature(0n))).toBe(true)
  expect(isCanonicalSignature(signature(ORDER - 1n))).toBe(true)
  expect(isCanonicalSignature(signature(ORDER))).toBe(false)
  expect(isCanonicalSignature(signature(2n ** 256n - 1n))).toBe(false)
  expect(isCanonicalSignature(signature(0n).subarray(1))).toBe(false)
})
