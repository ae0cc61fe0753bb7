import { vi } from 'vitest'
import type { SwarmId } from '../../src/core/ids.ts'
import { openIdbStore } from '../../src/store/idb-event-store.ts'
import { databaseName } from '../../src/store/idb-schema.ts'
import type { Durability, Key, TableName } from '../../src/store/tables.ts'
import type { StoreFactory } from '../contract/event-store.contract.ts'

/** A database of its own for each call. */
export const idbFactory = (): StoreFactory & { readonly swarm: SwarmId } => {
  const swarm = crypto.randomUUID().replaceAll('-', '') as SwarmId
  const name = databaseName(swarm)
  const begun = vi.spyOn(IDBDatabase.prototype, 'transaction')
  return {
    swarm,
    open: () => openIdbStore(swarm),
    durabilities: () => durabilitiesOf(begun.mock.calls.filter((_call, at) => (begun.mock.contexts[at] as IDBDatabase).name === name)),
    remove: (table, key) => behind(name, table, (store) => store.delete(keyOf(key))),
    spoil: (table, key) => behind(name, table, (store) => store.put({ spoiled: true }, keyOf(key))),
    disconnect: () => tryUpgrade(name),
  }
}

/** Those of transactions with write access; a test's own say no durability. */
const durabilitiesOf = (calls: readonly Parameters<IDBDatabase['transaction']>[]): readonly Durability[] =>
  calls.flatMap(([, mode, options]) => (mode !== 'readwrite' || options?.durability === undefined ? [] : [options.durability === 'strict' ? 'strict' : 'relaxed']))

const keyOf = (key: Key): IDBValidKey => key as IDBValidKey

export const answer = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

/** Changes a record over a connection of its own. */
const behind = async (name: string, table: TableName, change: (store: IDBObjectStore) => IDBRequest): Promise<void> => {
  const database = await answer(indexedDB.open(name))
  await answer(change(database.transaction([table], 'readwrite').objectStore(table)))
  database.close()
}

/** Asks for a newer version, which all others must make way for, and gives it up. */
const tryUpgrade = (name: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 2)
    request.onupgradeneeded = () => request.transaction?.abort()
    request.onsuccess = () => reject(new Error('the upgrade was to be given up'))
    request.onerror = () => resolve()
  })
