import type { JsonValue } from '../core/json.ts'
import { compareNumbers, Float, numberKey, printNumber, type Num } from './number.ts'
import { EvaluationError } from './errors.ts'
import { formatMicros } from './time.ts'

/** A point in time, in microseconds since 1970. */
export class Timestamp {
  readonly micros: number
  constructor(micros: number) {
    this.micros = micros
  }
}

/** What an expression gives. A payload is one as it stands. */
export type Value = null | boolean | string | Num | Timestamp | readonly Value[] | { readonly [property: string]: Value }

export type Kind = 'Null' | 'Bool' | 'Number' | 'String' | 'Timestamp' | 'Array' | 'Object'

export const kindOf = (value: Value): Kind => {
  switch (typeof value) {
    case 'boolean': return 'Bool'
    case 'string': return 'String'
    case 'number':
    case 'bigint': return 'Number'
    default: return value === null ? 'Null' : value instanceof Float ? 'Number' : value instanceof Timestamp ? 'Timestamp' : Array.isArray(value) ? 'Array' : 'Object'
  }
}

export const isNumber = (value: Value): value is Num => typeof value === 'number' || typeof value === 'bigint' || value instanceof Float

export const isArray = (value: Value): value is readonly Value[] => Array.isArray(value)

export const isObject = (value: Value): value is { readonly [property: string]: Value } => kindOf(value) === 'Object'

/** By Unicode characters, as bytes of UTF-8 sort. JavaScript's own order puts some characters beyond U+FFFF before others below it. */
export const compareStrings = (left: string, right: string): number => {
  const length = Math.min(left.length, right.length)
  for (let at = 0; at < length; at++) {
    const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)]
    if (a !== b) return order(a) - order(b)
  }
  return left.length - right.length
}

/** Surrogates sort above all other units. */
const order = (unit: number): number => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit)

/** Negative, 0 or positive; `undefined` where the two cannot be compared: another kind, or arrays, objects and timestamps. */
export const compareValues = (left: Value, right: Value): number | undefined => {
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right)
  if (typeof left === 'string' && typeof right === 'string') return compareStrings(left, right)
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right)
  return left === null && right === null ? 0 : undefined
}

const kindOrder: readonly Kind[] = ['Null', 'Bool', 'Number', 'String', 'Timestamp', 'Array', 'Object']

/** An order over all values, for where one is needed: by kind, then by value; arrays and objects by their text. */
export const orderValues = (left: Value, right: Value): number =>
  kindOrder.indexOf(kindOf(left)) - kindOrder.indexOf(kindOf(right)) ||
  (left instanceof Timestamp && right instanceof Timestamp ? left.micros - right.micros : compareValues(left, right) ?? compareStrings(valueKey(left), valueKey(right)))

/** The same text for values that are equal and for no others; properties in any order. */
export const valueKey = (value: Value): string => {
  if (isNumber(value)) return numberKey(value)
  if (value instanceof Timestamp) return `@${value.micros}`
  if (isArray(value)) return `[${value.map(valueKey).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${valueKey(propertyOf(value, name) ?? null)}`).join()}}`
}

/** `undefined` when the object has no such property of its own. */
export const propertyOf = (value: object, name: string): Value | undefined => (Object.hasOwn(value, name) ? (value as Readonly<Record<string, Value>>)[name] : undefined)

/** As an interpolation shows it. */
export const printValue = (value: Value): string => {
  if (isNumber(value)) return printNumber(value)
  if (value instanceof Timestamp) return formatMicros(value.micros)
  if (typeof value === 'string') return value
  return value === null ? 'NULL' : typeof value === 'boolean' ? (value ? 'TRUE' : 'FALSE') : isArray(value) ? 'ARRAY' : 'OBJECT'
}

/** As the payload of an answer: timestamps as text, natural numbers above 2^53 as the nearest number that JavaScript has. */
export const valueToJson = (value: Value): JsonValue => {
  if (isNumber(value)) return value instanceof Float ? value.value : Number(value)
  if (value instanceof Timestamp) return formatMicros(value.micros)
  if (isArray(value)) return value.map(valueToJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, valueToJson(inner)]))
}

export const asBoolean = (value: Value): boolean => {
  if (typeof value !== 'boolean') throw new EvaluationError(`${describe(value)} is not TRUE or FALSE`)
  return value
}

export const asNumber = (value: Value): Num => {
  if (!isNumber(value)) throw new EvaluationError(`${describe(value)} is not a number`)
  return value
}

export const asString = (value: Value): string => {
  if (typeof value !== 'string') throw new EvaluationError(`${describe(value)} is not a text`)
  return value
}

export const asArray = (value: Value): readonly Value[] => {
  if (!isArray(value)) throw new EvaluationError(`${describe(value)} is not an array`)
  return value
}

/** A value in a message: its kind, and itself where it is short. */
export const describe = (value: Value): string => {
  const kind = kindOf(value)
  if (kind === 'Array' || kind === 'Object' || kind === 'Null') return kind
  const text = printValue(value)
  return `${kind} \`${text.length > 40 ? `${text.slice(0, 40)}…` : text}\``
}
