import type { EventStore } from '../../src/store/event-store.ts'
import { createMemoryDisk, openMemoryStore } from '../../src/store/memory-event-store.ts'
import { createEventStore } from '../../src/store/tables-event-store.ts'
import type { BrokenStore } from '../contract/broken-store.ts'
import type { StoreFactory } from '../contract/event-store.contract.ts'
import { swarm } from './author.ts'

/** A memory disk of its own for each call; with a fault planted, if one is given. */
export const memoryFactory = (fault?: BrokenStore): Required<StoreFactory> => {
  const disk = createMemoryDisk()
  const openBroken = ({ tables, store }: BrokenStore): EventStore => {
    const opened = createEventStore(tables?.(disk.open()) ?? disk.open(), swarm)
    return store?.(opened) ?? opened
  }
  return {
    open: () => Promise.resolve(fault === undefined ? openMemoryStore(disk, swarm) : openBroken(fault)),
    durabilities: () => disk.transactions().map(({ durability }) => durability),
    remove: (table, key) => Promise.resolve(disk.remove(table, key)),
    spoil: (table, key) => Promise.resolve(disk.spoil(table, key)),
    disconnect: () => Promise.resolve(disk.disconnect()),
    powerCut: disk.powerCut,
    setQuota: disk.setQuota,
  }
}
