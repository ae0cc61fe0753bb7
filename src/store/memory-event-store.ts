import type { SwarmId } from '../core/ids.ts'
import type { EventStore } from './event-store.ts'
import { type MemoryDisk } from './memory-tables.ts'
import { createEventStore } from './tables-event-store.ts'

export { createMemoryDisk, type MemoryDisk } from './memory-tables.ts'

/** One more tab on the disk. Every tab of a node opens the same disk; nothing outlives it. */
export const openMemoryStore = (disk: MemoryDisk, swarm: SwarmId): EventStore => createEventStore(disk.open(), swarm)
