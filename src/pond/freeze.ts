/**
 * How a state can be kept. `json`: frozen through and through, so it can be kept as it is, and JSON says all of it; what is `undefined` in an object counts as absent.
 * `plain`: frozen too, and JSON does not say all of it. `opaque`: something in it cannot be frozen: only its text can be kept.
 */
export type Kept = 'json' | 'plain' | 'opaque'

const looser: Readonly<Record<Kept, number>> = { json: 0, plain: 1, opaque: 2 }
export const looserOf = (a: Kept, b: Kept): Kept => (looser[a] >= looser[b] ? a : b)

const isInJson = (value: unknown, inArray: boolean): boolean => {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value !== 'bigint' && (value !== undefined || !inArray)
}

/** What cannot be kept at all, and where in the state. */
export interface Unkept {
  readonly at: string
  readonly what: string
}

const isBuiltIn = (value: object): boolean => value instanceof Date || value instanceof RegExp || value instanceof ArrayBuffer || ArrayBuffer.isView(value)

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === null || prototype === Object.prototype
}

const nameOf = (value: object): string => value.constructor.name || 'an object of a class'

/**
 * Freezes what is new in a state; what in it is frozen already is not looked into, so what it was found to be once it stays.
 * @param foreign whether objects of classes are allowed: left as they are, for their fish makes them anew from text
 */
export const freezeState = (state: unknown, foreign: boolean): Kept | Unkept => {
  let kept: Kept = isInJson(state, true) ? 'json' : 'plain'
  const collections = new Set<object>()
  const waiting: (readonly [value: unknown, at: string])[] = [[state, '']]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [value, at] = next
    if (typeof value === 'function' || typeof value === 'symbol') return { at, what: `a ${typeof value}` }
    if (typeof value !== 'object' || value === null || (at !== '' && Object.isFrozen(value))) continue
    if (isPlain(value)) {
      Object.freeze(value)
      const isArray = Array.isArray(value)
      for (const key in value) {
        const child: unknown = Reflect.get(value, key)
        if ((typeof child === 'object' && child !== null && !Object.isFrozen(child)) || typeof child === 'function' || typeof child === 'symbol') waiting.push([child, `${at}.${key}`])
        else if (!isInJson(child, isArray)) kept = looserOf(kept, 'plain')
      }
      continue
    }
    kept = 'opaque'
    if (value instanceof Map || value instanceof Set) {
      if (collections.has(value)) continue
      collections.add(value)
      for (const [key, child] of value.entries()) waiting.push([key, `${at}.key`], [child, `${at}.${String(key)}`])
    } else if (!foreign && !isBuiltIn(value)) return { at, what: nameOf(value) }
  }
  return kept
}

/** Freezes the outermost object alone: done after every event. */
export const freezeOutermost = (state: unknown): void => {
  if (typeof state === 'object' && state !== null && isPlain(state)) Object.freeze(state)
}

/** Freezes what came out of `JSON.parse`. */
export const freezeJson = (value: unknown): void => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const key in value) freezeJson(Reflect.get(value, key))
}
