import { StoreError, type StoreErrorCode } from '../store/errors.ts'
import type { EventStore } from '../store/event-store.ts'
import { createAwake } from '../tab/awake.ts'
import type { Environment } from './environment.ts'

const retryFirstMs = 500
const retryLastMs = 10_000
/** After so many tries it is said that it does not work. */
const stuckAfterTries = 4

/** With these it is never tried again. */
const finalCodes: ReadonlySet<StoreErrorCode> = new Set<StoreErrorCode>(['STORE-CLOSED', 'STORE-NEWER', 'STORE-LEFT'])

/**
 * A store for a page, which may be frozen and may lose its disk.
 *
 * While the page is frozen no transaction begins: its answers would not come, and it would block every writer of the profile. Calls wait until the page is awake.
 * When the browser has cut the connection to the disk (iPadOS does so in the background), it opens itself again: what was being written rejects with `STORE-LOST`,
 * for nobody knows whether it was stored; what may be done twice is done again; calls made meanwhile wait for the new connection.
 * What listens to `onLost` hears `STORE-STUCK` when that has failed four times, after some 8 s; it is tried on every 10 s.
 * Opened by a newer version of the program in another tab, or deleted because a person has left the swarm, it stays closed. @see STORAGE.md, Durability and transactions
 * @throws StoreError when the first opening fails
 */
export const openReopeningStore = async (open: () => Promise<EventStore>, environment: Pick<Environment, 'after' | 'page'>): Promise<EventStore> => {
  const awake = createAwake(environment)
  const listeners = new Set<(error: Error) => void>()
  let closed = false
  let current: Promise<EventStore>
  const openAgain = async (delayMs: number, tries = 1): Promise<EventStore> => {
    await new Promise<void>((go) => environment.after(delayMs, go))
    try {
      if (closed) throw new StoreError('STORE-CLOSED', 'the store was closed; open it again')
      return watched(await open())
    } catch (error) {
      if (error instanceof StoreError && finalCodes.has(error.code)) throw error
      if (tries === stuckAfterTries) for (const lost of listeners) lost(new StoreError('STORE-STUCK', 'the database cannot be opened again; close all windows of this app and open it anew', { cause: error }))
      return openAgain(Math.min(delayMs * 2, retryLastMs), tries + 1)
    }
  }
  const watched = (store: EventStore): EventStore => {
    store.onLost((error) => {
      current = openAgain(retryFirstMs)
      // Each call that waits gets the error itself.
      current.catch(() => store.close())
      for (const lost of listeners) lost(error)
    })
    return store
  }
  const first = watched(await open())
  current = Promise.resolve(first)
  /** The page has not been frozen since this resolved: what follows on it runs in the same turn. */
  const ready = async () => {
    for (;;) {
      await awake.wait()
      const asked = current
      const store = await asked
      if (environment.page.state() !== 'frozen') return { store, asked }
    }
  }
  const on =
    <A extends readonly unknown[], R>(pick: (store: EventStore) => (...parameters: A) => Promise<R>) =>
    async (...parameters: A): Promise<R> =>
      pick((await ready()).store)(...parameters)
  const again =
    <A extends readonly unknown[], R>(pick: (store: EventStore) => (...parameters: A) => Promise<R>) =>
    async (...parameters: A): Promise<R> => {
      for (;;) {
        const { store, asked } = await ready()
        try {
          return await pick(store)(...parameters)
        } catch (error) {
          if (!(error instanceof StoreError) || error.code !== 'STORE-LOST' || asked === current) throw error
        }
      }
    }
  return {
    swarm: first.swarm,
    identity: again((store) => store.identity),
    createIdentity: again((store) => store.createIdentity),
    changeIdentity: again((store) => store.changeIdentity),
    state: again((store) => store.state),
    heads: again((store) => store.heads),
    present: again((store) => store.present),
    records: again((store) => store.records),
    family: again((store) => store.family),
    appendOwn: on((store) => store.appendOwn),
    appendReplicated: on((store) => store.appendReplicated),
    piece: again((store) => store.piece),
    summaries: again((store) => store.summaries),
    addSummaries: again((store) => store.addSummaries),
    joinTail: again((store) => store.joinTail),
    lower: on((store) => store.lower),
    begin: on((store) => store.begin),
    fork: on((store) => store.fork),
    clock: again((store) => store.clock),
    raiseClock: again((store) => store.raiseClock),
    raiseClockTo: again((store) => store.raiseClockTo),
    flush: again((store) => store.flush),
    getMeta: again((store) => store.getMeta),
    putMeta: on((store) => store.putMeta),
    listMeta: again((store) => store.listMeta),
    deleteMeta: on((store) => store.deleteMeta),
    incrementMeta: on((store) => store.incrementMeta),
    putAside: on((store) => store.putAside),
    getAside: again((store) => store.getAside),
    deleteAside: on((store) => store.deleteAside),
    listAside: again((store) => store.listAside),
    setAsideAppends: again((store) => store.setAsideAppends),
    setAsideByForks: again((store) => store.setAsideByForks),
    local: {
      get: again((store) => store.local.get),
      put: on((store) => store.local.put),
      delete: on((store) => store.local.delete),
      range: again((store) => store.local.range),
    },
    onLost: (lost) => {
      listeners.add(lost)
      return () => listeners.delete(lost)
    },
    close: async () => {
      closed = true
      awake.close()
      await current.then(
        (store) => store.close(),
        () => undefined,
      )
    },
  }
}
