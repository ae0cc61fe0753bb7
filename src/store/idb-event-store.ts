import { parseSwarmId, type SwarmId } from '../core/ids.ts'
import type { EventStore } from './event-store.ts'
import { databaseName, deleteDatabase } from './idb-schema.ts'
import { openIdbTables } from './idb-tables.ts'
import { createEventStore } from './tables-event-store.ts'

/** Opens the streams of this browser profile's node in a swarm, in IndexedDB. @throws StoreError when the database cannot be opened */
export const openIdbStore = async (swarm: SwarmId): Promise<EventStore> => createEventStore(await openIdbTables(databaseName(swarm)), swarm)

/** The swarms that this profile has a database of; `undefined` where the browser does not list them. */
export const listDatabases = async (): Promise<readonly SwarmId[] | undefined> => {
  if (!('databases' in indexedDB)) return undefined
  const prefix = databaseName('' as SwarmId)
  return (await indexedDB.databases()).flatMap(({ name = '' }) => (name.startsWith(prefix) ? (parseSwarmId(name.slice(prefix.length)) ?? []) : []))
}

/** @returns whether it is gone; else it is empty, and goes when who still holds it open lets go */
export const deleteSwarmDatabase = (swarm: SwarmId): Promise<boolean> => deleteDatabase(databaseName(swarm))
