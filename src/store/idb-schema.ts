import { deleteDB, openDB, unwrap, type DBSchema } from 'idb'
import type { SwarmId } from '../core/ids.ts'
import { StoreError } from './errors.ts'
import { tableNames, type Key, type TableName } from './tables.ts'

/** A new store would need a new version, and an upgrade beside a frozen tab reports nothing: all stores are there from the first on. */
const version = 1

type Schema = DBSchema & Record<TableName, { key: Key & IDBValidKey; value: unknown }>

/** One database for each swarm. The name stands before the id. */
export const databaseName = (swarm: SwarmId): string => `millpond-${swarm}`

/** Beside a frozen tab with an older version neither `blocked` nor `success` comes. */
const openTimeoutMs = 5_000

/**
 * Opens or makes the database of a swarm.
 * @param lost called when the connection is, with the reason and whether it is cut at once (else what is under way still ends)
 * @throws StoreError `STORE-BLOCKED`, `STORE-NEWER`, `STORE-QUOTA`, `STORE-FAILED`
 */
export const openDatabase = (name: string, lost: (reason: string, isCut: boolean) => void, timeoutMs = openTimeoutMs): Promise<IDBDatabase> =>
  new Promise((resolve, reject) => {
    let late = false
    const timer = setTimeout(() => {
      late = true
      reject(new StoreError('STORE-BLOCKED', 'another window holds the database open; close the other windows of this app'))
    }, timeoutMs)
    const opening = openDB<Schema>(name, version, {
      upgrade: (database) => {
        for (const table of tableNames) database.createObjectStore(table)
      },
      // Holding it open would block the other window.
      blocking: (_from, _to, event) => {
        lost('another window deletes or upgrades the database', false)
        if (event.target instanceof IDBDatabase) event.target.close()
      },
      terminated: () => lost('the browser closed the connection to the database', true),
    })
    opening
      .then((database) => (late ? database.close() : resolve(unwrap(database))), (error: unknown) => reject(openingError(error)))
      .finally(() => clearTimeout(timer))
  })

const openingError = (error: unknown): StoreError => {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'VersionError') return new StoreError('STORE-NEWER', 'the database was made by a newer version of this app; update it', { cause: error })
  if (name === 'QuotaExceededError') return new StoreError('STORE-QUOTA', 'there is no room for the database; free some on this device', { cause: error })
  return new StoreError('STORE-FAILED', 'the database cannot be opened; restart the browser', { cause: error })
}

/**
 * Deletes a database of whatever version. It is emptied first, because a window that sleeps and holds it open keeps it from being deleted.
 * @returns whether it is gone; else it is empty, and goes as soon as nobody holds it open
 * @throws StoreError `STORE-FAILED`
 */
export const deleteDatabase = async (name: string, timeoutMs = openTimeoutMs): Promise<boolean> => {
  await emptyDatabase(name)
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), timeoutMs)))
  const deleted = deleteDB(name).then(() => true, (error: unknown) => Promise.reject(openingError(error)))
  return Promise.race([deleted, late]).finally(() => clearTimeout(timer))
}

/** One that cannot be opened is only deleted. */
const emptyDatabase = async (name: string): Promise<void> => {
  try {
    const database = await openDB(name)
    const tables = [...database.objectStoreNames]
    if (tables.length > 0) {
      const transaction = database.transaction(tables, 'readwrite', { durability: 'strict' })
      await Promise.all([...tables.map((table) => transaction.objectStore(table).clear()), transaction.done])
    }
    database.close()
  } catch (error) {
    console.info(`${name} could not be emptied`, error)
  }
}
