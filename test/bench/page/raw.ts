// The browser's own speed, without anything of ours in between: the limits.

/** A database of its own with one object store. */
export const openRaw = (name: string): Promise<IDBDatabase> =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, 1)
    opening.onupgradeneeded = () => void opening.result.createObjectStore('records')
    opening.onsuccess = () => resolve(opening.result)
    opening.onerror = () => reject(opening.error ?? new Error('no database'))
  })

/** Stores these records under keys that rise from `first` on, in one strict transaction. */
export const putRaw = (database: IDBDatabase, first: number, records: readonly unknown[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const transaction = database.transaction('records', 'readwrite', { durability: 'strict' })
    const store = transaction.objectStore('records')
    records.forEach((record, at) => store.put(record, first + at))
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new Error('aborted'))
    transaction.commit()
  })

export const dropDatabase = (name: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const deleting = indexedDB.deleteDatabase(name)
    deleting.onsuccess = () => resolve()
    deleting.onerror = () => reject(deleting.error ?? new Error('not deleted'))
  })
