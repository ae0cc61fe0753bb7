import type { EventStore } from '../../src/store/event-store.ts'

/** A disk whose readings fail for as long as there is a fault. */
export const failing = (store: EventStore, fault: () => Error | false): EventStore => {
  const unless = <A extends readonly unknown[], R>(read: (...parameters: A) => Promise<R>) => async (...parameters: A): Promise<R> => {
    const error = fault()
    if (error !== false) throw error
    return read(...parameters)
  }
  return { ...store, heads: unless(store.heads), piece: unless(store.piece), summaries: unless(store.summaries) }
}
