import { createDigits } from './digits.ts'

const base64Url = createDigits('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')

/** Base64url without padding. */
export const bytesToBase64Url = base64Url.write

/** The bytes of canonical base64url without padding; `undefined` for any other text (set trailing bits included). */
export const base64UrlToBytes = (text: string): Uint8Array | undefined => {
  const read = text.length % 4 === 1 ? undefined : base64Url.read(text)
  return read?.rest === 0 ? read.bytes : undefined
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lower-case hexadecimal digits, two for each byte. */
export const bytesToHex = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += HEX[byte]
  return text
}

/** The bytes of lower-case hexadecimal digits; `undefined` for any other text. */
export const hexToBytes = (text: string): Uint8Array | undefined =>
  /^([0-9a-f]{2})*$/.test(text) ? Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16)) : undefined

export const concatBytes = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}

/** Whether `bytes` begins with `prefix`. */
export const startsWithBytes = (bytes: Uint8Array, prefix: Uint8Array): boolean =>
  bytes.length >= prefix.length && equalBytes(bytes.subarray(0, prefix.length), prefix)
