import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import { bytesToHex, equalBytes } from '../core/bytes.ts'
import { parseStreamId, parseSwarmId, publicKeyToNodeId, type NodeId, type StreamId, type SwarmId } from '../core/ids.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { utf8Length } from '../core/utf8.ts'
import { STREAM_ID_BYTES_MAX } from './limits.ts'

/** What a value that is being read is not. Thrown by readers, caught by `decodeCbor` alone. */
class Malformed extends Error {}

const malformed = (what: string): never => {
  throw new Malformed(what)
}

/** Deterministic CBOR (RFC 8949, 4.2.1) of integers, byte strings, texts, booleans, arrays and maps. */
export const encodeCbor = (value: unknown): Uint8Array => encode(value, rfc8949EncodeOptions)

/**
 * Decodes and reads one value. Every byte string that is not what `encodeCbor` gives for its value is refused:
 * longer forms of a length, indefinite lengths, tags, floats for integers, keys twice or out of order, broken UTF-8, trailing bytes.
 * Never throws.
 * @see PROTOCOL.md [R4]
 */
export const decodeCbor = <T>(bytes: Uint8Array, read: (value: unknown) => T): Result<T, string> => {
  try {
    const value: unknown = decode(bytes, {
      strict: true, useMaps: true, rejectDuplicateMapKeys: true, allowIndefinite: false, allowUndefined: false, allowInfinity: false, allowNaN: false, allowBigInt: false,
    })
    return equalBytes(encodeCbor(value), bytes) ? ok(read(value)) : fail('not deterministic')
  } catch (error) {
    // A decoder of foreign bytes: whatever it throws (a full stack on deep nesting included) says that they are not a message.
    return fail(error instanceof Error ? error.message : String(error))
  }
}

// readers: give the value as its type or throw `Malformed`

export const readInteger = (value: unknown, max = Number.MAX_SAFE_INTEGER, min = 0): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max ? value : malformed(`not an integer from ${min} to ${max}`)

export const readBytes = (value: unknown, max: number, min = 0): Uint8Array =>
  value instanceof Uint8Array && value.length >= min && value.length <= max ? value : malformed(`not ${min} to ${max} bytes`)

export const readExactBytes = (value: unknown, length: number): Uint8Array => readBytes(value, length, length)

export const readText = (value: unknown, bytesMax: number): string =>
  typeof value === 'string' && utf8Length(value) <= bytesMax ? value : malformed(`not a text of at most ${bytesMax} bytes`)

export const readBoolean = (value: unknown): boolean => (typeof value === 'boolean' ? value : malformed('not a boolean'))

export const readArray = <T>(value: unknown, max: number, read: (item: unknown) => T): readonly T[] =>
  Array.isArray(value) && value.length <= max ? value.map((item) => read(item)) : malformed(`not an array of at most ${max}`)

/** An array of exactly `length` items. */
export const readTuple = (value: unknown, length: number): readonly unknown[] =>
  Array.isArray(value) && value.length === length ? value : malformed(`not an array of ${length}`)

export const readMap = (value: unknown): ReadonlyMap<unknown, unknown> => (value instanceof Map ? value : malformed('not a map'))

export const readOneOf = <T extends string>(value: unknown, allowed: readonly T[]): T =>
  allowed.find((one) => one === value) ?? malformed(`not one of ${allowed.join(', ')}`)

export const readNodeId = (value: unknown): NodeId => publicKeyToNodeId(readExactBytes(value, 32))

export const readSwarmId = (value: unknown): SwarmId =>
  parseSwarmId(bytesToHex(readExactBytes(value, 16))) ?? malformed('not a swarm id')

export const readStreamId = (value: unknown): StreamId =>
  parseStreamId(readText(value, STREAM_ID_BYTES_MAX))?.id ?? malformed('not a stream id')

/** A branch's name without its stream: 22 characters of base64url. */
export const readBranch = (value: unknown): string => {
  const text = readText(value, 22)
  return /^[A-Za-z0-9_-]{22}$/.test(text) ? text : malformed('not a branch')
}

/** Checks what the types of single fields cannot say. */
export const readWhen = (holds: boolean, what: string): void => {
  if (!holds) malformed(what)
}

/** The longest beginning of `text` that fits into `bytesMax` bytes, without lone surrogates and byte-order mark: what every decoder takes. */
export const fitText = (text: string, bytesMax: number): string => {
  let fitted = ''
  let bytes = 0
  for (const character of text) {
    if (/^[\ud800-\udfff\ufeff]$/.test(character)) continue
    bytes += utf8Length(character)
    if (bytes > bytesMax) break
    fitted += character
  }
  return fitted
}
