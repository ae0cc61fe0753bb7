import type { EventStore } from '../../src/store/event-store.ts'
import type { Durability, Key, TableName } from '../../src/store/tables.ts'
import { appendCases } from './event-store-append.ts'
import { durabilityCases } from './event-store-durability.ts'
import { forkCases } from './event-store-forks.ts'
import { identityCases } from './event-store-identity.ts'
import { keptCases } from './event-store-kept.ts'
import { readingCases } from './event-store-reading.ts'
import { repairCases } from './event-store-repair.ts'

/** A new disk for each case, and what a test can do to it. */
export interface StoreFactory {
  /** One more tab on this disk. */
  readonly open: () => Promise<EventStore>
  /** Durability of every transaction with write access that was begun since the disk was made. */
  readonly durabilities: () => readonly Durability[]
  /** Removes a record behind the stores' back. */
  readonly remove: (table: TableName, key: Key) => Promise<void>
  /** Makes a record something that is not what was written, or cannot be read at all. */
  readonly spoil: (table: TableName, key: Key) => Promise<void>
  /** Breaks all connections from outside. */
  readonly disconnect: () => Promise<void>
  /** Only where a test can do it. */
  readonly powerCut?: () => void
  readonly setQuota?: (bytes: number) => void
}

export interface StoreCase {
  /** `S1` … */
  readonly rule: string
  readonly title: string
  readonly needs?: 'powerCut' | 'setQuota'
  readonly run: (factory: StoreFactory) => Promise<void>
}

/** Every rule of `EventStore`, each with its near misses. */
export const storeCases: readonly StoreCase[] = [...appendCases, ...readingCases, ...durabilityCases, ...repairCases, ...forkCases, ...identityCases, ...keptCases]

/** The cases that a factory has the means for. */
export const casesFor = (factory: StoreFactory): readonly StoreCase[] => storeCases.filter(({ needs }) => needs === undefined || factory[needs] !== undefined)
