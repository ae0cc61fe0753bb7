import type { Meta } from '../core/event.ts'
import { matches, type Conjunction, type Where } from '../core/where.ts'

interface Entry<T> {
  readonly conjunction: Conjunction
  readonly item: T
}

type Entries<T> = Set<Entry<T>>

/**
 * Finds those whose `Where` an event matches, without asking the others: each conjunction stands under one of its tags, else under its app id.
 * What an event costs depends on its tags and on how many stand under these, not on how many there are.
 */
export class SubscriptionIndex<T> {
  readonly #byTag = new Map<string, Entries<T>>()
  readonly #byAppId = new Map<string, Entries<T>>()
  /** Of all events, of local ones, of a time. */
  readonly #others: Entries<T> = new Set()

  /** @param where normalised @returns a function that takes it out again */
  add(where: Where, item: T): () => void {
    const removals = where.map((conjunction) => this.#addOne({ conjunction, item }))
    return () => {
      for (const remove of removals) remove()
    }
  }

  /** Those that the event matches, each once. */
  find(meta: Meta): ReadonlySet<T> {
    const found = new Set<T>()
    const { tags, appId, lamport, timestampMicros, isLocalEvent } = meta
    const labels = { tags, appId, lamport, timestampMicros, isLocal: isLocalEvent }
    const look = (entries: Entries<T> | undefined) => {
      for (const { conjunction, item } of entries ?? []) if (!found.has(item) && matches([conjunction], labels)) found.add(item)
    }
    for (const tag of tags) look(this.#byTag.get(tag))
    look(this.#byAppId.get(appId))
    look(this.#others)
    return found
  }

  #addOne(entry: Entry<T>): () => void {
    const { tags, appId } = entry.conjunction
    const sizeOf = (tag: string) => this.#byTag.get(tag)?.size ?? 0
    // Under the tag that the fewest stand under: of `machine` and `machine:7` the second.
    const [first, ...rest] = tags
    if (first !== undefined) return addTo(this.#byTag, rest.reduce((best, tag) => (sizeOf(tag) < sizeOf(best) ? tag : best), first), entry)
    if (appId !== undefined) return addTo(this.#byAppId, appId, entry)
    this.#others.add(entry)
    return () => this.#others.delete(entry)
  }
}

const addTo = <T>(map: Map<string, Entries<T>>, key: string, entry: Entry<T>): (() => void) => {
  const entries = map.get(key) ?? new Set()
  map.set(key, entries.add(entry))
  return () => {
    entries.delete(entry)
    if (entries.size === 0 && map.get(key) === entries) map.delete(key)
  }
}
