import type { SwarmId } from '../core/ids.ts'
import type { EventStore } from './event-store.ts'
import { databaseName } from './idb-schema.ts'
import { openIdbTables } from './idb-tables.ts'
import { createEventStore } from './tables-event-store.ts'

/** Opens the streams of this browser profile's node in a swarm, in IndexedDB. @throws StoreError when the database cannot be opened */
export const openIdbStore = async (swarm: SwarmId): Promise<EventStore> => createEventStore(await openIdbTables(databaseName(swarm)), swarm)
