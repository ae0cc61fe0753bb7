/** Any value that JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Index of the quote that ends the string whose first character is at `at`; the length of `bytes` when none does. */
const endOfString = (bytes: Uint8Array, at: number): number => {
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
  return at
}

/**
 * Whether no array or object of the JSON text `bytes` lies deeper than `depthMax`; the outermost one has depth 1.
 * To be asked before parsing: some engines parse recursively. Of bytes that are not JSON it may say anything.
 */
export const isWithinDepth = (bytes: Uint8Array, depthMax: number): boolean => {
  let depth = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) at = endOfString(bytes, at + 1)
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      if (++depth > depthMax) return false
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth--
  }
  return true
}

/** Whether `value` is an object that JSON says as `{…}`: no array, no instance of a class. */
export const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // An object from another frame has another `Object.prototype`, whose own prototype is null as well.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

interface JsonBounds {
  /** Arrays and objects within each other, the outermost counted as 1. */
  readonly depthMax: number
  /** Values in all: bounds the work for objects that contain one another many times. */
  readonly valueCountMax: number
}

/**
 * Why JSON cannot say `value` without changing it, and where; `undefined` when it can.
 * A property that is `undefined` counts as absent. -0 becomes 0. A lone surrogate is fine: JSON escapes it.
 */
export const whyNotJson = (value: unknown, bounds: JsonBounds): string | undefined => {
  let valueCount = 0
  const look = (inner: unknown, depth: number, path: string): string | undefined => {
    if (++valueCount > bounds.valueCountMax) return 'has too many values (or is cyclic)'
    if (inner === null || typeof inner === 'string' || typeof inner === 'boolean') return undefined
    if (typeof inner === 'number') return Number.isFinite(inner) ? undefined : `${path} is ${inner}`
    if (typeof inner !== 'object') return `${path} is ${typeof inner === 'undefined' ? 'undefined' : `a ${typeof inner}`}`
    if (depth >= bounds.depthMax) return `is deeper than ${bounds.depthMax} (or cyclic)`
    return lookInto(inner, depth + 1, path)
  }
  const lookInto = (inner: object, depth: number, path: string): string | undefined => {
    if (Array.isArray(inner)) {
      for (let at = 0; at < inner.length; at++) {
        const why = look(inner[at], depth, `${path}[${at}]`)
        if (why !== undefined) return why
      }
      return undefined
    }
    if (!isPlainObject(inner)) return `${path} is an instance of a class`
    for (const key of Object.keys(inner)) {
      const why = inner[key] === undefined ? undefined : look(inner[key], depth, `${path}.${key}`)
      if (why !== undefined) return why
    }
    return undefined
  }
  return look(value, 0, 'payload')
}
