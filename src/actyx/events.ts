import type { Event, Meta } from '../core/event.ts'
import type { JsonValue } from '../core/json.ts'
import type { ActyxEvent, Metadata } from './types.ts'

/** A copy that is the caller's own: the node gives the same event to all that follow it. */
export const eventOf = ({ meta, payload }: Event): ActyxEvent => ({ meta: metadataOf(meta), payload: copyOf(payload) })

export const metadataOf = (meta: Meta): Metadata => ({ ...meta, tags: [...meta.tags] })

export const copyOf = (value: JsonValue): JsonValue => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyOf)
  const copy: Record<string, JsonValue> = {}
  for (const [key, inner] of Object.entries(value)) {
    // Assigned, `__proto__` would be no property.
    if (key === '__proto__') Object.defineProperty(copy, key, { value: copyOf(inner), enumerable: true, configurable: true, writable: true })
    else copy[key] = copyOf(inner)
  }
  return copy
}
