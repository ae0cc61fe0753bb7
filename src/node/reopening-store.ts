import { StoreError } from '../store/errors.ts'
import type { EventStore } from '../store/event-store.ts'
import type { Environment } from './environment.ts'

const retryFirstMs = 500
const retryLastMs = 10_000

/**
 * A store that opens itself again when the browser has cut its connection to the disk (iPadOS does so in the background).
 * What was being written rejects with `STORE-LOST`, for nobody knows whether it was stored; what was being read is read again; calls made meanwhile wait for the new connection.
 * Opened by a newer version of the program in another tab, it stays closed.
 * @throws StoreError when the first opening fails
 */
export const openReopeningStore = async (open: () => Promise<EventStore>, environment: Pick<Environment, 'after'>): Promise<EventStore> => {
  const listeners = new Set<(error: Error) => void>()
  let closed = false
  let current: Promise<EventStore>
  const openAgain = async (delayMs: number): Promise<EventStore> => {
    await new Promise<void>((go) => environment.after(delayMs, go))
    try {
      if (closed) throw new StoreError('STORE-CLOSED', 'the store was closed; open it again')
      return watched(await open())
    } catch (error) {
      if (error instanceof StoreError && (error.code === 'STORE-CLOSED' || error.code === 'STORE-NEWER')) throw error
      return openAgain(Math.min(delayMs * 2, retryLastMs))
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
  const on =
    <A extends readonly unknown[], R>(pick: (store: EventStore) => (...parameters: A) => Promise<R>) =>
    async (...parameters: A): Promise<R> =>
      pick(await current)(...parameters)
  const reading =
    <A extends readonly unknown[], R>(pick: (store: EventStore) => (...parameters: A) => Promise<R>) =>
    async (...parameters: A): Promise<R> => {
      for (;;) {
        const asked = current
        try {
          return await pick(await asked)(...parameters)
        } catch (error) {
          if (!(error instanceof StoreError) || error.code !== 'STORE-LOST' || asked === current) throw error
        }
      }
    }
  return {
    swarm: first.swarm,
    identity: reading((store) => store.identity),
    createIdentity: on((store) => store.createIdentity),
    changeIdentity: on((store) => store.changeIdentity),
    state: reading((store) => store.state),
    heads: reading((store) => store.heads),
    present: reading((store) => store.present),
    records: reading((store) => store.records),
    appendOwn: on((store) => store.appendOwn),
    appendReplicated: on((store) => store.appendReplicated),
    piece: reading((store) => store.piece),
    summaries: reading((store) => store.summaries),
    joinTail: on((store) => store.joinTail),
    lower: on((store) => store.lower),
    end: on((store) => store.end),
    clock: reading((store) => store.clock),
    raiseClock: on((store) => store.raiseClock),
    raiseClockTo: on((store) => store.raiseClockTo),
    flush: on((store) => store.flush),
    getMeta: reading((store) => store.getMeta),
    putMeta: on((store) => store.putMeta),
    listMeta: reading((store) => store.listMeta),
    deleteMeta: on((store) => store.deleteMeta),
    incrementMeta: on((store) => store.incrementMeta),
    putAside: on((store) => store.putAside),
    listAside: reading((store) => store.listAside),
    local: {
      get: reading((store) => store.local.get),
      put: on((store) => store.local.put),
      delete: on((store) => store.local.delete),
      range: reading((store) => store.local.range),
    },
    onLost: (lost) => {
      listeners.add(lost)
      return () => listeners.delete(lost)
    },
    close: async () => {
      closed = true
      await current.then(
        (store) => store.close(),
        () => undefined,
      )
    },
  }
}
