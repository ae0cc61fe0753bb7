import { StoreError } from '../../src/store/errors.ts'
import type { EventStore } from '../../src/store/event-store.ts'

/** A disk that cannot be read for as long as a test wants. */
export const brokenDisk = () => {
  let isFailing = false
  let refused = 0
  const unless = <A extends readonly unknown[], R>(read: (...parameters: A) => Promise<R>) => async (...parameters: A): Promise<R> => {
    if (!isFailing) return read(...parameters)
    refused++
    throw new StoreError('STORE-FAILED', 'the disk does not answer')
  }
  return {
    around: (store: EventStore): EventStore => ({ ...store, heads: unless(store.heads), piece: unless(store.piece), summaries: unless(store.summaries) }),
    fail: () => (isFailing = true),
    mend: () => (isFailing = false),
    refused: () => refused,
  }
}
