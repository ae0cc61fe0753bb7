import { assert } from '../core/assert.ts'
import { hexToBytes } from '../core/bytes.ts'

// Which 32 bytes may be a signer's key, or the first half of a signature. Platforms disagree about points of small order and about
// points written in a second way; so both are refused before the platform is asked. @see FORMAT.md [F28] [F29]

const hex = (text: string): Uint8Array => {
  const bytes = hexToBytes(text)
  assert(bytes?.length === 32, `not the hex of a point: ${text}`)
  return bytes
}

/** 2^255 - 19, little-endian as in the encoding of a point. */
const FIELD = hex('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')
/** Order of the base point, little-endian. */
const ORDER = hex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')

/** The y of the eight points whose order divides 8. With either sign bit, and with p and p + 1 for 0 and 1, that makes the 14 encodings. */
const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map(hex)

/** Byte `at` of the y coordinate: the highest bit of the encoding is the sign of x. */
const byteOfY = (point: Uint8Array, at: number): number => (at === 31 ? 0x7f : 0xff) & (point[at] ?? 0)

const isBelow = (byteAt: (at: number) => number, bound: Uint8Array): boolean => {
  for (let at = 31; at >= 0; at--) {
    const difference = byteAt(at) - (bound[at] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

/** Whether `point` is written the one canonical way and not of small order. It may still lie off the curve: then no signature holds. */
export const isSigningKey = (point: Uint8Array): boolean =>
  point.length === 32 &&
  isBelow((at) => byteOfY(point, at), FIELD) &&
  !SMALL_ORDER.some((small) => small.every((byte, at) => byte === byteOfY(point, at)))

/** Whether a signature's two halves are in the one canonical form, and its point not of small order. */
export const isCanonicalSignature = (signature: Uint8Array): boolean =>
  signature.length === 64 && isSigningKey(signature.subarray(0, 32)) && isBelow((at) => signature[32 + at] ?? 0, ORDER)
