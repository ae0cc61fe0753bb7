import { parseStreamId } from '../core/ids.ts'
import { LAMPORT_MAX } from '../core/lamport.ts'
import type { Expression, KeyPoint } from './ast.ts'
import type { Scanner } from './scanner.ts'
import { parseIsoDate } from './time.ts'

const IDENTIFIER = /_(?![\p{L}\p{N}_])|(?=\p{Ll}|\p{Lu}\p{Ll})[\p{L}\p{N}_]+/uy
const SINGLE = /'(?:[^']|'')*'/y
const DOUBLE = /"(?:[^"]|"")*"/y
const NUMBER = /-?\d+(?:\.\d+)?/y
const NATURAL = /\d+/y
const DATE = /\d{4}-\d\d-\d\d(?:T[\d:.]+)?(?:Z|[+-]\d\d:\d\d)?/y
const STREAM = /\/[\w.~/-]+/y

const naturalMax = 2n ** 64n - 1n

/** `_`, or a word that begins with a small letter, or with a capital and a small one. */
export const takeIdentifier = (scanner: Scanner): string | undefined => scanner.match(IDENTIFIER)

/** A text in single or double quotes, the quote itself doubled. */
export const takeString = (scanner: Scanner): string | undefined => {
  scanner.skipBlank()
  const at = scanner.at
  const quote = scanner.text.charAt(at)
  if (quote !== "'" && quote !== '"') return undefined
  const quoted = scanner.matchHere(quote === "'" ? SINGLE : DOUBLE)
  if (quoted === undefined) return scanner.fail(`the text that begins here has no closing ${quote}`, at)
  return quoted.slice(1, -1).replaceAll(quote + quote, quote)
}

export const takeNumber = (scanner: Scanner): Expression | undefined => {
  scanner.skipBlank()
  const at = scanner.at
  const digits = scanner.matchHere(NUMBER)
  if (digits === undefined) return undefined
  if (/^\d+$/.test(digits)) {
    const value = BigInt(digits)
    return value <= naturalMax ? { type: 'natural', value } : scanner.fail(`natural numbers go up to ${naturalMax}; write it as ${digits}.0`, at)
  }
  const value = Number(digits)
  return Number.isFinite(value) ? { type: 'decimal', value } : scanner.fail('the number is too large', at)
}

/** A natural number that counts something. */
export const takeCount = (scanner: Scanner, what: string): number => {
  scanner.skipBlank()
  const at = scanner.at
  const digits = scanner.matchHere(NATURAL)
  if (digits === undefined) return scanner.failExpecting(what)
  const count = Number(digits)
  return Number.isSafeInteger(count) ? count : scanner.fail(`${what} is above ${Number.MAX_SAFE_INTEGER}`, at)
}

/** Microseconds of a date; `undefined` when none stands here. */
export const takeDate = (scanner: Scanner): number | undefined => {
  scanner.skipBlank()
  const at = scanner.at
  const text = scanner.matchHere(DATE)
  if (text === undefined) return undefined
  return parseIsoDate(text) ?? scanner.fail(`\`${text}\` is no date: 2021-12-31, with T23:59, :59 and .999 if wanted, then Z or +01:00`, at)
}

/** `lamport` or `lamport/stream`. */
export const takeKey = (scanner: Scanner): KeyPoint => {
  const lamport = takeCount(scanner, 'a Lamport time')
  const at = scanner.at
  if (lamport > LAMPORT_MAX) scanner.fail(`Lamport times go up to ${LAMPORT_MAX}`, at)
  const id = scanner.matchHere(STREAM)
  if (id === undefined) return { lamport, stream: undefined }
  const stream = parseStreamId(id.slice(1))
  return stream === undefined ? scanner.fail(`\`${id.slice(1)}\` is no stream id`, at + 1) : { lamport, stream: stream.id }
}
